"""What is said about files and models of other tools, by topic."""
