"""The exponential moving average of the weights, which is what a run keeps in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Of the parameters that are trained. Early on it forgets faster: what training starts from is soon of no account.

    After n updates the decay is (1 + n) / (10 + n), until that exceeds `decay`.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float) -> None:
        self._parameters = parameters
        self._decay = decay
        self.updates = 0
        self.tensors: dict[str, Tensor] = {name: one.detach().clone() for name, one in parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """After a step of the optimizer."""
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_([*self.tensors.values()], [*self._parameters.values()], 1 - decay)
        self.updates += 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it, the model has the averaged weights."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, one in self._parameters.items():
            one.data, self.tensors[name] = self.tensors[name], one.data
