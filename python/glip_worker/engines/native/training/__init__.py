"""`training.run`: a run of glipv2.training as a managed child process, or as one that outlives the worker."""
