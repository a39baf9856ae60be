"""The safety guard: its state machine, what it judges its inputs by, and its limits."""
