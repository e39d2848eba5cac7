"""Work in slices: for functions whose rows do not depend on each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Rows at a time, of a few hundred channels: large enough to share out among threads, small enough to stay in caches.
ROWS = 2048


def sliced(values: Tensor) -> bool:
    """Whether work on it is better done in slices: on a CPU without gradients.

    What is made on the way is then never there for all rows at once. With gradients it would be kept anyway, and a GPU
    would rather have all rows at once.
    """
    return not torch.is_grad_enabled() and values.device.type == "cpu"


def in_slices(function: Callable[[Tensor], Tensor], rows: Tensor, size: int = ROWS) -> Tensor:
    """function(rows), computed `size` rows at a time where that is better."""
    if not sliced(rows) or len(rows) <= size:
        return function(rows)
    return torch.cat([function(one) for one in rows.split(size)])
