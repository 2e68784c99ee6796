"""Running IR numerically."""
