"""Tools that tests, the fault campaign and the benchmarks share. Never installed."""
