"""AdamW and its groups of parameters."""

from __future__ import annotations

import torch
from torch import nn

from glipv2.training.options import LANGUAGE_FACTOR, TrainOptions

#: The names of the text encoder's parameters and of the backbone's begin so.
TEXT, BACKBONE = "model.text.", "model.swin."


def optimizer(trained: nn.Module, options: TrainOptions) -> torch.optim.AdamW:
    """Of what requires gradients. Each group says under `base` what the schedule multiplies.

    What is no matrix, and embeddings, do not decay.
    """
    embeddings = {id(one.weight) for one in trained.modules() if isinstance(one, nn.Embedding)}
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in trained.named_parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 and id(parameter) not in embeddings
            groups.setdefault((_rate(name, options), decays), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "lr": rate, "base": rate, "weight_decay": options.weight_decay if decays else 0.0}
            for (rate, decays), parameters in groups.items()
        ],
        fused=True,
    )


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["base"] * factor


def _rate(name: str, options: TrainOptions) -> float:
    if name.startswith(TEXT):
        if options.language_learning_rate is not None:
            return options.language_learning_rate
        return options.learning_rate * (LANGUAGE_FACTOR if options.weights is not None else 1.0)
    return options.learning_rate * (options.backbone_factor if name.startswith(BACKBONE) else 1.0)
