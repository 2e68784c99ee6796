"""What is said about PyTorch models and model files, by topic."""
