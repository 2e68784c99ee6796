"""Rules that eliminate bits of a polynomial without changing its least value, and the record of what they did."""
