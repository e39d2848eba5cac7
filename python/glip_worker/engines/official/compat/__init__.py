"""Makes the unmodified official tree run on current PyTorch, from outside: nothing is written to the checkout.

`installation.install()` before or after the first import of maskrcnn_benchmark; for a script,
`python -m glip_worker.official SCRIPT …`. Every change is a named patch in `patches`, with its reason and the official
symbol that it mends.
This file imports nothing: torch and transformers take seconds, and a wrong path should be told at once.
"""
