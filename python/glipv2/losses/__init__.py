"""What the model is trained to make small."""
