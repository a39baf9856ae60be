"""The robot's side of velocity commands, for simulated arms and our own drivers."""
