"""The engine `official`: the unmodified microsoft/GLIP tree, run on current PyTorch."""
