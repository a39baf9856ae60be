"""One module per promise, or per group of promises measured alike."""
