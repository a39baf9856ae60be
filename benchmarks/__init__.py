"""What the parts of async_rl cost, beside a straightforward reference and the machine's limits: docs/performance.md."""
