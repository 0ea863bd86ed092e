"""Value learning on tables: SARSA and its relatives, a file each."""
