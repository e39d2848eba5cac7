"""Training and evaluation with the scripts of the official code."""
