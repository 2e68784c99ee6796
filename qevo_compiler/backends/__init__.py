"""Where programs run: submit, wait, fetch."""
