"""Detection of motion that the guard did not command."""
