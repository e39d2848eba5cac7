"""The operators of the official compiled extension, from torch and torchvision, on the CPU and on CUDA."""
