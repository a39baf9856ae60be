"""The guard's inputs, each judged on receipt."""
