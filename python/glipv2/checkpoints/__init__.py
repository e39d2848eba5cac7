"""Weights as data: what the official checkpoints call a tensor, and what this package calls it."""
