"""Questions answered and pictures told by a model with `GlipConfig.understanding`."""
