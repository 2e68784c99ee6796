"""What the parser says about the text of a program, by topic."""
