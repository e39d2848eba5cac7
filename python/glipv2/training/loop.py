"""The steps of a training run, in one process on one device."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glipv2.data.asking import Asking
from glipv2.data.augment import Viewing
from glipv2.data.batches import Batch, ahead, training_batch
from glipv2.data.mixture import Mixture
from glipv2.data.scenes import read_split
from glipv2.losses.grounding import Losses, Targets, grounding_loss
from glipv2.pictures import normalised
from glipv2.text.wordpiece import WordPiece
from glipv2.training.options import Options, rate
from glipv2.training.state import State, new_state, resumed, save

#: Steps that a line of the log speaks of.
LOGGED = 50


def train(options: Options) -> State:
    """Until the last step, the time's end or a SIGTERM or SIGINT; goes on from what lies in `options.output`.

    A line of JSON goes to `log.jsonl` there, and to standard output, every 50 steps. FloatingPointError: a loss is no
    number; the last checkpoint is from before.
    """
    options.output.mkdir(parents=True, exist_ok=True)
    mixture = Mixture([read_split(options.data)], [1.0], options.seed)
    tokenizer, asking = WordPiece.default(), Asking()
    state = resumed(options) or new_state(options)
    seen = state.model.config.input
    viewing = Viewing((seen.short_side,), seen.long_side, seen.divisor)
    batches = ahead(
        lambda step: training_batch(mixture, step, options.batch_size, options.seed, asking, tokenizer, viewing),
        range(state.step, options.steps),
    )
    log = _Log(options, state.step)
    saved = started = time.monotonic()
    with _stopping() as stopped:
        for batch in batches:
            losses = _step(state, batch, options)
            log.add(state.step, losses, rate(state.step - 1, options))
            now = time.monotonic()
            over = options.hours is not None and now - started > options.hours * 3600
            if stopped or over:
                break
            if now - saved > options.checkpoint_seconds:
                save(state, options)
                saved = now
    save(state, options)
    return state


def _step(state: State, batch: Batch, options: Options) -> Losses:
    device = options.device
    for group in state.optimizer.param_groups:
        group["lr"] = rate(state.step, options)
    pictures = normalised(batch.pictures_B3HW.to(device), state.model.config.input)
    ids, mask = batch.ids_BT.to(device), batch.mask_BT.to(device)
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=options.dtype == "bfloat16"):
        output = state.model(pictures, state.model.encode_text(ids, mask))
    losses = grounding_loss(output, Targets(*batch.targets), mask)
    if not math.isfinite(losses.total.item()):
        raise FloatingPointError(f"step {state.step + 1}: the loss is {[one.item() for one in losses]}")
    state.optimizer.zero_grad(set_to_none=True)
    losses.total.backward()
    nn.utils.clip_grad_norm_(state.model.parameters(), options.clip)
    state.optimizer.step()
    state.average.update_parameters(state.model)
    state.step += 1
    return losses


class _Log:
    def __init__(self, options: Options, step: int) -> None:
        self._options = options
        self._path: Path = options.output / "log.jsonl"
        self._first = step
        self._started = self._since = time.monotonic()
        self._sums: list[torch.Tensor] = []

    def add(self, step: int, losses: Losses, learning_rate: float) -> None:
        self._sums.append(torch.stack([one.detach() for one in losses]))
        if step % LOGGED and step != self._options.steps:
            return
        now = time.monotonic()
        tokens, boxes, centerness = torch.stack(self._sums).mean(dim=0).tolist()
        seconds = (now - self._since) / len(self._sums)
        line: dict[str, Any] = {
            "step": step,
            "losses": {"tokens": tokens, "boxes": boxes, "centerness": centerness},
            "learning_rate": learning_rate,
            "pictures_per_second": self._options.batch_size / seconds,
            "eta_hours": (self._options.steps - step) * (now - self._started) / (step - self._first) / 3600,
        }
        text = json.dumps(line)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        print(text, flush=True)  # noqa: T201 - the command's output
        self._sums, self._since = [], now


@contextlib.contextmanager
def _stopping() -> Iterator[list[int]]:
    """A list that has the signal, once one asks to stop."""
    received: list[int] = []
    before = {
        one: signal.signal(one, lambda number, _: received.append(number)) for one in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield received
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
