"""Benchmarks of the field: what they ask of a model, picture by picture, and how good its answers are."""
