"""What stands between a velocity command and a joint's drive, for every robot that we drive ourselves."""
