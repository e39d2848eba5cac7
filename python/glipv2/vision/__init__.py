"""The picture side: the Swin transformer and the feature pyramid."""
