"""The hybrid loops that run compiled models: training rounds and weight rounding."""
