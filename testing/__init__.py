"""Tools that tests and the fault campaign share. Never installed."""
