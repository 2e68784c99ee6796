"""Extremes and absolute values of decisions as rows."""
