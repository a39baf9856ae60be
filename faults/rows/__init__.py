"""One module per promise, or per few that are measured alike."""
