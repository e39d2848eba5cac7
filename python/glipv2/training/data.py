"""The data of a run: read, found to be in order, and mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glipv2.config import GlipConfig
from glipv2.data.asking import Asking
from glipv2.data.augment import Viewing
from glipv2.data.few_shot import choose
from glipv2.data.fingerprint import fingerprint
from glipv2.data.mixture import Mixture, epoch_size, kinds_of, shares_of
from glipv2.data.problems import merged
from glipv2.data.readers import How, Reading, read_all
from glipv2.data.records import Dataset
from glipv2.errors import InputError
from glipv2.training.options import TrainOptions


@dataclass(frozen=True)
class Data:
    mixture: Mixture

    epoch_pictures: int
    """Pictures of one pass through what is trained on."""

    names: tuple[str, ...]
    """Of the categories of the first set that is trained on."""

    answers: tuple[str, ...]
    """Of all questions that are trained on."""

    boxes: bool
    """Whether any of it has boxes: otherwise all steps ask questions or tell captions."""

    validation: Dataset | None

    held: Dataset | None
    """What must not be forgotten."""

    warnings: list[str]

    fingerprint: dict[str, Any]
    """As `glipv2.data.fingerprint` gives it."""


def read_data(options: TrainOptions, subset: Path | None) -> Data:
    """`subset`: where to write which pictures a few-shot run uses.

    DataError: as `read_all`. InputError: the options do not fit what was read. OSError."""
    replay = options.replay
    mixed = [*options.train, *(() if replay is None else replay.sources)]
    measured = [one for one in (options.validation, None if replay is None else replay.validation) if one is not None]
    # They take memory: masks and words are read where they are learnt.
    how = How(masks=options.losses.masks > 0, words=options.losses.answers > 0 or options.losses.captions > 0)
    readings = read_all([*mixed, *measured], options.problems, how)
    datasets = [one.dataset for one in readings]
    trained, replayed = datasets[: len(options.train)], datasets[len(options.train) : len(mixed)]
    others = iter(datasets[len(mixed) :])
    validation = None if options.validation is None else next(others)
    held = next(others, None)
    if options.shots is not None:
        chosen = choose(readings[: len(trained)], options.shots, options.shot_seed)
        trained = chosen.of(trained)
        if subset is not None:
            chosen.write(subset)
    if options.method == "prompt":
        _check_prompt(trained, validation)
    if options.patience is not None and validation is not None:
        _check_patience(validation, options)
    answers = _words_of([*trained, *replayed], options)
    boxes = _check_kinds([*trained, *replayed], options)
    shares = _parts(shares_of(options.train, trained, "train"), 1.0 if replay is None else 1 - replay.share)
    if replay is not None:
        shares += _parts(shares_of(replay.sources, replayed, "replay.sources"), replay.share)
    return Data(
        Mixture([*trained, *replayed], shares, options.seed),
        epoch_size(options.train, trained),
        trained[0].names,
        answers,
        boxes,
        validation,
        held,
        _warnings(readings),
        fingerprint(readings),
    )


def asking(options: TrainOptions, config: GlipConfig, boxes: bool = True) -> Asking:
    """How texts are made for a model of this configuration. `boxes`: whether the data has any."""
    window = Asking(max_tokens=config.prompt.max_tokens, separator=config.prompt.separator)
    if options.method == "prompt":
        # Always the one text that is tuned.
        return replace(window, full=1.0, shuffle=False, sentences_every=0)
    texts = options.asking
    questions, captions = options.parts_of_steps if boxes else options.parts_without_boxes
    longest = Asking.longest_caption if config.understanding is None else config.understanding.longest
    return replace(
        window,
        full=texts.full,
        names=texts.names,
        sentences_every=texts.sentences_every,
        questions=questions,
        captions=captions,
        longest_caption=longest,
    )


def viewing(options: TrainOptions, config: GlipConfig) -> Viewing:
    sides = config.input
    return Viewing(
        options.short_sides or (sides.short_side,),
        options.long_side or sides.long_side,
        sides.divisor,
        options.augment,
    )


def _words_of(datasets: Sequence[Dataset], options: TrainOptions) -> tuple[str, ...]:
    """The answers. InputError: the options want questions or captions, and there are none."""
    weights, pictures = options.losses, [one for dataset in datasets for one in dataset.pictures]
    if weights.captions and not any(one.captions for one in pictures):
        raise InputError("losses.captions", "0, or data with captions", str(weights.captions))
    if not weights.answers:
        return ()
    if not any(one.questions for one in pictures):
        raise InputError("losses.answers", "0, or data with questions", str(weights.answers))
    return tuple(dict.fromkeys(answer for dataset in datasets for answer in dataset.answers))


def _check_kinds(datasets: Sequence[Dataset], options: TrainOptions) -> bool:
    """Whether any has boxes. InputError: losses of boxes without one, or a set that no step would ask anything."""
    has = [kinds_of(one) for one in datasets]
    boxes = any("boxes" in kinds for kinds in has)
    for name in ("inter", "mlm", "masks"):
        weight = getattr(options.losses, name)
        if weight and not boxes:
            raise InputError(f"losses.{name}", "0, or data with boxes", str(weight))
    questions, captions = options.parts_of_steps if boxes else options.parts_without_boxes
    parts = {"questions": questions, "captions": captions, "boxes": 1 - questions - captions}
    asked = [kind for kind, part in parts.items() if part > 1e-9]
    for place, kinds in enumerate(has):
        if not set(kinds) & set(asked):
            replayed = place - len(options.train)
            path = f"train[{place}]" if replayed < 0 else f"replay.sources[{replayed}]"
            raise InputError(path, f"data with {' or '.join(asked)}, of which the losses are", " and ".join(kinds))
    return boxes


def _warnings(readings: Sequence[Reading]) -> list[str]:
    """What was left out."""
    texts = []
    for one in merged(reading.problems for reading in readings).to_json():
        example = one["examples"][0]
        texts.append(f"left out: {one['count']} x {one['kind']}, such as {example['where']}: {example['reason']}")
    return texts


def _parts(shares: Sequence[float], whole: float) -> list[float]:
    return [share / sum(shares) * whole for share in shares]


def _check_patience(validation: Dataset, options: TrainOptions) -> None:
    """Without a measure of what is trained it would end the run: see `main_measure`."""
    losses, pictures = options.losses, validation.pictures
    there = {
        "masks": validation.masked,
        "questions": any(one.questions for one in pictures),
        "captions": any(one.captions for one in pictures),
    }
    weights = {"masks": losses.masks, "questions": losses.answers, "captions": losses.captions}
    wanted = [name for name, weight in weights.items() if weight]
    if not losses.of_finding and not any(there[name] for name in wanted):
        raise InputError("validation", f"data with {' or '.join(wanted)}, whose measure the patience counts", "none")


def _check_prompt(trained: Sequence[Dataset], validation: Dataset | None) -> None:
    """One text is tuned, of one list of categories."""
    names = trained[0].names
    if not names:
        raise InputError("train[0]", "data with categories, with the method prompt", "captions")
    for place, one in enumerate(trained):
        if one.names != names:
            raise InputError(f"train[{place}]", "the categories of train[0], with the method prompt", _shown(one.names))
    if validation is not None and validation.names != names:
        raise InputError("validation", "the categories of train[0], with the method prompt", _shown(validation.names))


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "captions"
