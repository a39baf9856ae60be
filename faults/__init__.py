"""The fault campaign: measures the promises of docs/reliability.md on real processes (`make faults`)."""
