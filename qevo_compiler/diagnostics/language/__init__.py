"""What the language and the Python builder say about a program, by topic."""
