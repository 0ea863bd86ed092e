"""Road traffic: networks, demand, and a microscopic engine."""
