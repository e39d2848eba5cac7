"""A model without weights, to be given some: it takes no memory, and nothing is drawn for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from glipv2.config import GlipConfig
from glipv2.model import GLIP

Shapes = dict[str, tuple[int, ...]]


class _NothingDrawn(TorchFunctionMode):
    """Leaves initial values out. On the meta device they cost no numbers, but two seconds of imports, because torch
    works out their shapes by its symbolic reference operators."""

    DRAWN = frozenset({Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_, Tensor.erfinv_, Tensor.clamp_})

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in self.DRAWN or getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def empty(config: GlipConfig) -> GLIP:
    """On the meta device, in evaluation; `load_state_dict(…, assign=True)` fills it."""
    with torch.device("meta"), _NothingDrawn():
        return GLIP(config).eval()


@cache
def shapes(config: GlipConfig) -> Shapes:
    """Of every tensor of the model, by name."""
    return {name: tuple(tensor.shape) for name, tensor in empty(config).state_dict().items()}
