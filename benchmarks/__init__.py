"""Benchmarks: times of the parts of async_rl, with a reference and the machine's limits (docs/performance.md)."""
