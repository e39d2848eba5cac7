"""Work in slices: for functions whose rows do not depend on each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Rows at a time, of a few hundred channels: large enough to share out among threads, small enough to stay in caches.
ROWS = 16384


def in_slices(function: Callable[[Tensor], Tensor], rows: Tensor, size: int = ROWS) -> Tensor:
    """function(rows), computed `size` rows at a time on a CPU without gradients.

    What the function makes on the way is then never there for all rows at once. With gradients it would be kept
    anyway, and a GPU would rather have all rows at once.
    """
    if torch.is_grad_enabled() or rows.device.type != "cpu" or len(rows) <= size:
        return function(rows)
    return torch.cat([function(one) for one in rows.split(size)])
