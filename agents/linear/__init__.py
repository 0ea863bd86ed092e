"""Q-learning on sums of tables (tile coding): function approximation that stays as cheap as a table."""
