"""Exit codes that nodes, the supervisor and the command line share."""

FAULTED = 3
"""Of agent and guard, and so of the run, where a fault of the guard stood at the end."""
