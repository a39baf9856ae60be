"""The guard's limits, one per file; `limit_filter` applies all of them."""
