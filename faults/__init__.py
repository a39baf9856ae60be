"""Faults, injected into the real processes: what docs/reliability.md promises, measured (`make faults`)."""
