"""From sources to IR: the language, the Python problem builder and traced PyTorch models."""
