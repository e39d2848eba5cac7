"""Weights and inputs for tests: drawn from a seed, or by a formula that is the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


def drawn(module: nn.Module, seed: int) -> nn.Module:
    """The module, in evaluation, with every parameter moved away from its start, so that none is all 0 or all 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            spread = 0.02 if parameter.ndim > 1 else 0.1
            parameter += spread * torch.randn(parameter.shape, generator=generator)
    module.eval()  # of which the official Swin returns nothing
    return module


def waves(*shape: int, phase: float = 0.0) -> Tensor:
    """Numbers in -1 to 1 that no random generator of a platform can change."""
    count = torch.Size(shape).numel()
    return torch.sin(1.7 * torch.arange(count, dtype=torch.float64) ** 1.1 + phase).float().reshape(shape)


def filled(module: nn.Module) -> nn.Module:
    """The module, in evaluation, with `waves` for weights, normalisations near 1."""
    with torch.no_grad():
        for number, (name, parameter) in enumerate(module.named_parameters()):
            wave = waves(*parameter.shape, phase=number)
            if parameter.ndim > 1:
                parameter.copy_(wave / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.1 * wave + name.endswith("weight"))
    return module.eval()


@dataclass(frozen=True)
class Naming:
    """How an official module's keys become ours: `prefix` is what its own keys lack, `to` what ours lack."""

    prefix: str
    to: str
    rules: tuple[tuple[str, str], ...]
    derived: tuple[str, ...]

    def ours(self, official: Mapping[str, T]) -> dict[str, T]:
        """The same values under our names, without what is derived. AssertionError: a key that no rule takes."""
        result = {}
        for key, value in official.items():
            name = self.prefix + key
            if any(re.search(one, name) for one in self.derived):
                continue
            for pattern, replacement in self.rules:
                name = re.sub(pattern, replacement, name)
            assert name.startswith(self.to), f"no rule for {self.prefix + key}"
            result[name.removeprefix(self.to)] = value
        return result

    def copy(self, official: nn.Module, ours: nn.Module) -> None:
        """Gives our module the official one's weights: every key of both takes part."""
        ours.load_state_dict(self.ours(official.state_dict()))

    def copy_back(self, ours: nn.Module, official: nn.Module) -> None:
        """Gives the official module our weights."""
        names = self.ours({key: key for key in official.state_dict()})
        assert names.keys() == ours.state_dict().keys()
        official.load_state_dict({names[key]: value for key, value in ours.state_dict().items()}, strict=False)
