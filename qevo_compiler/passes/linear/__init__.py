"""What the passes of the Carleman route share."""
