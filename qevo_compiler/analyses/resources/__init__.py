"""The cost of solving a history system on a fault-tolerant computer, and of plain descent beside it."""
