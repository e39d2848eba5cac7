"""One step of the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glipv2.data.batches import Batch
from glipv2.losses.total import total_loss
from glipv2.training.optimizer import set_rate
from glipv2.training.options import TrainOptions
from glipv2.training.reduction import Reduction
from glipv2.training.state import State, seed_step
from glipv2.training.world import World

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class LossError(FloatingPointError):
    """A loss is no finite number. The weights are as they were before the step."""

    def __init__(self, step: int, losses: dict[str, float]) -> None:
        """`step`: counted from 1."""
        shown = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        super().__init__(f"step {step}: the loss is not a finite number: {shown}")
        self.step = step
        self.losses = losses


@dataclass(frozen=True)
class Done:
    """What a step says, the same in every process."""

    losses: dict[str, float]
    """Weighted, of the whole batch; `total` is their sum."""
    stop: bool
    """Whether one of the processes is asked to end,"""
    save: bool
    """and for a checkpoint."""


class Stepper:
    """Takes steps: forward, backward, the processes' mean, clipping, AdamW, average."""

    def __init__(self, state: State, options: TrainOptions, world: World) -> None:
        trained = [one for one in state.trained.parameters() if one.requires_grad]
        self._state = state
        self._options = options
        self._world = world
        self._reduction = Reduction(trained, world.size)
        self._parameters = trained

    def computing(self) -> torch.autocast:
        """Around what the network computes."""
        dtype = _DTYPES[self._options.precision]
        return torch.autocast(self._world.device.type, dtype, enabled=dtype != torch.float32)

    def step(self, parts: Sequence[Batch], factor: float, asked: Callable[[], tuple[bool, bool]]) -> Done:
        """`parts` of this process's pictures; `factor`: of the learning rates; `asked`: whether this process is asked
        to end, and for a checkpoint, by the end of the step.

        LossError; out of memory as torch says it.
        """
        state = self._state
        generator = seed_step(self._options.seed, state.step, self._world.rank)
        set_rate(state.optimizer, factor)
        state.optimizer.zero_grad(set_to_none=True)
        names: list[str] = []
        sums: list[Tensor] = []
        for number, batch in enumerate(parts, 1):
            if number == len(parts):
                self._reduction.begin()
            with self.computing():
                losses = total_loss(state.trained.model, state.trained.heads, batch, self._options.losses, generator)
            state.scaler.scale(losses.total / len(parts)).backward()
            names = [name for name, _ in losses.items()]
            sums.append(
                torch.stack([*(one.detach().float() for _, one in losses.items()), losses.total.detach().float()])
            )
        self._reduction.finish()
        flags = sums[0].new_tensor([float(one) for one in asked()])
        *values, stops, saves = self._world.sum(torch.cat([torch.stack(sums).mean(dim=0), flags])).tolist()
        means = dict(zip([*names, "total"], (value / self._world.size for value in values), strict=True))
        # What is not finite in one process is not finite in their sum: all of them see it.
        if not all(abs(value) < float("inf") for value in means.values()):
            raise LossError(state.step + 1, means)
        state.scaler.unscale_(state.optimizer)
        if self._options.clip_gradients > 0:
            nn.utils.clip_grad_norm_(self._parameters, self._options.clip_gradients)
        state.scaler.step(state.optimizer)
        state.scaler.update()
        if state.average is not None:
            state.average.update()
        state.step += 1
        return Done(means, stops > 0, saves > 0)


def rows(batch: Batch, part: slice) -> Batch:
    """Some of a batch's pictures, with their padding."""
    return batch._replace(
        pictures_B3HW=batch.pictures_B3HW[part],
        sizes=batch.sizes[part],
        ids_BT=batch.ids_BT[part],
        mask_BT=batch.mask_BT[part],
        targets=batch.targets._replace(boxes_M4=batch.targets.boxes_M4[part], tokens_MT=batch.targets.tokens_MT[part]),
        asked=batch.asked[part],
        masks_MHW=None if batch.masks_MHW is None else batch.masks_MHW[part],
        kinds=batch.kinds[part],
        grounded=batch.grounded[part],
        right_BA=None if batch.right_BA is None else batch.right_BA[part],
    )
