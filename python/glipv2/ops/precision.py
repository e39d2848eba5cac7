"""In which precision a function of our own multiplies: autocast knows torch's operators alone."""

from __future__ import annotations

import torch
from torch import Tensor


def product_dtype(values: Tensor) -> torch.dtype:
    """Of matrix products with it: autocast's where it is on, else its own."""
    device = values.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else values.dtype


def wide(kind: torch.dtype) -> torch.dtype:
    """In which sums and exponentials of such numbers are computed: float32 at least."""
    return torch.promote_types(kind, torch.float32)
