"""Training of the native engine's models: `python -m glipv2.training`."""
