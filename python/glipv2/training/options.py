"""What a training run is told. Its JSON is `config.json` of the run's folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from glipv2.config import CONFIGS, GlipConfig
from glipv2.data.augment import Augmentation
from glipv2.data.sources import Source, source_from_json, source_to_json
from glipv2.errors import InputError
from glipv2.losses.weights import LossWeights
from glipv2.plain import Readers, plain, read_plain
from glipv2.training.schedule import Shape

Method = Literal["full", "linear_probe", "prompt"]
Part = Literal["backbone", "text", "head"]
Precision = Literal["float32", "bfloat16", "float16"]


#: Stands for the configuration that the weights name or fit.
AUTO = "auto"

#: What is meant where nothing is said; the README's values of the official code where it has some.
DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "full": {"learning_rate": 1e-4, "weight_decay": 0.05, "ema": 0.999},
    "linear_probe": {"learning_rate": 1e-4, "weight_decay": 0.05, "ema": 0.0},
    "prompt": {"learning_rate": 0.05, "weight_decay": 0.25, "ema": 0.0},
}

#: Part of the steps that ask questions where nobody says how many, and of those that tell captions.
WORDS = 0.25

#: A pre-trained text encoder learns this much slower than the rest.
LANGUAGE_FACTOR = 0.1


@dataclass(frozen=True)
class Texts:
    """How texts are made: `glipv2.data.asking.Asking` has more of it."""

    full: float = 0.5
    """Part of the steps that ask for all categories at once."""
    names: int = 24
    """The other steps ask for 1 to so many."""
    sentences_every: int = 3
    """Of so many steps one asks for what sentences speak of, where pictures have both; 0: none."""
    questions: float | None = None
    """Part of the steps that ask questions; None: a quarter, where the loss of answers has a weight."""
    captions: float | None = None
    """Part of those that tell captions, likewise. Without another loss these steps are all."""


@dataclass(frozen=True)
class Patience:
    """Evaluations without improvement ..."""

    learning_rate: int
    """... after which the learning rate drops to a tenth,"""
    stop: int
    """and after which the run ends."""


@dataclass(frozen=True)
class Replay:
    """What a model was trained on before, so that it does not forget its open vocabulary."""

    sources: tuple[Source, ...]
    share: float = 0.5
    """Part of the pictures that come from them."""
    validation: Source | None = None
    """What it must not forget: measured before the first step and with every evaluation."""


@dataclass(frozen=True)
class TrainOptions:
    train: tuple[Source, ...]
    output: Path
    """The run's folder."""
    learning_rate: float
    """Of AdamW, at its highest."""
    weight_decay: float
    """Biases, normalisations and embeddings do not decay."""
    ema: float
    """Decay of the averaged weights, which are what is measured and kept; 0: there are none."""
    kind: Literal["pretrain", "finetune"] = "finetune"
    """What it is called; the same is done."""
    validation: Source | None = None
    weights: Path | None = None
    """What a new run starts from, a file of `glipv2.checkpoints.load`; None: random weights."""
    config: GlipConfig | str = AUTO
    """AUTO, or a name of `glipv2.config.CONFIGS`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of it that are to differ: `{"text.dropout": 0}`."""
    method: Method = "full"
    """`linear_probe` trains the last layers alone, without the loss of grounding those of masks, answers and captions;
    `prompt` what is added to the features of one list of categories."""
    shots: int | None = None
    """Pictures of each category that are used; None: all."""
    shot_seed: int = 3
    """Which pictures those are: the official protocol has 3, 30 and 300."""
    steps: int | None = None
    epochs: float | None = None
    """Passes through the data, in place of `steps`."""
    batch_size: int = 8
    """Pictures of a step, of all processes together."""
    accumulation: int = 1
    """Parts of a process's pictures that are computed one after the other: less memory, the mean of their gradients."""
    language_learning_rate: float | None = None
    """Of the text encoder; None: `learning_rate`, or a tenth of it where there are `weights`."""
    backbone_factor: float = 1.0
    """By which the backbone's learning rate differs."""
    warmup_steps: int | None = None
    """None: a twentieth of the run, 2000 at most."""
    schedule: Shape = "cosine"
    milestones: tuple[float, ...] = (0.67, 0.89)
    """Of the schedule `steps`: parts of the run after which the rate drops to a tenth."""
    patience: Patience | None = None
    clip_gradients: float = 1.0
    """Largest norm of the gradient; 0: any."""
    precision: Precision = "float32"
    """What the network computes in. Losses and weights stay in float32."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass, and so save their memory."""
    frozen_stages: int | None = None
    """1 freezes the backbone's patches, n > 1 also its first n - 1 stages, 0 nothing; None: the configuration's."""
    freeze: tuple[Part, ...] = ()
    losses: LossWeights = field(default_factory=LossWeights)
    replay: Replay | None = None
    asking: Texts = field(default_factory=Texts)
    augment: Augmentation = field(default_factory=Augmentation)
    short_sides: tuple[int, ...] | None = None
    """Sides in pixels that pictures are resized to, one drawn for each step; None: the configuration's."""
    long_side: int | None = None
    """The most of the longer side; None: the configuration's."""
    seed: int = 0
    checkpoint_steps: int | None = None
    """None: a tenth of the run, 1000 at most."""
    keep_checkpoints: int = 2
    """The last so many are kept, and the best one."""
    evaluate_steps: int | None = None
    """None: a tenth of the run."""
    evaluate_before: bool = False
    """Whether the model is measured before the first step too."""
    sample_pictures: int = 4
    """Pictures of which it is told, at each evaluation, what is found in them."""
    processes: int = 1
    """On this host, each with a device of its own, or with its share of the CPU."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:N` (then the others follow), `mps`; `auto`: the best there is."""
    problems: Literal["fail", "drop"] = "fail"
    """What to do with annotations that are wrong: nothing is trained, or they are left out."""
    readers: int = 2
    """Threads that read pictures, in each process."""

    def __post_init__(self) -> None:
        _check_numbers(self)
        if not self.train:
            raise InputError("train", "at least one source", "none")
        if isinstance(self.config, str) and self.config not in (AUTO, *CONFIGS):
            raise InputError("config", f"one of {AUTO}, {', '.join(CONFIGS)}", repr(self.config))
        if self.config == AUTO and self.weights is None:
            raise InputError("config", "a configuration, where there are no weights that say it", AUTO)
        if self.steps is not None and self.epochs is not None:
            raise InputError("epochs", "either steps or epochs", "both")
        if self.replay is not None and not self.replay.sources:
            raise InputError("replay.sources", "at least one source", "none")
        self._check_asking()
        if self.method == "prompt":
            self._check_prompt()
        if self.patience is not None and self.validation is None:
            raise InputError("patience", "a validation, whose measure it counts", "none")
        if set(self.freeze) == {"backbone", "text", "head"}:
            raise InputError("freeze", "a part that is trained", "all of them")

    @property
    def parts_of_steps(self) -> tuple[float, float]:
        """Those that ask questions, and those that tell captions."""
        return self._parts if self.losses.of_boxes else _whole(self._parts)

    @property
    def parts_without_boxes(self) -> tuple[float, float]:
        """The same for data without a box: there are no other steps."""
        return _whole(self._parts)

    @property
    def _parts(self) -> tuple[float, float]:
        losses, asking = self.losses, self.asking
        questions = WORDS if asking.questions is None else asking.questions
        captions = WORDS if asking.captions is None else asking.captions
        return questions if losses.answers else 0.0, captions if losses.captions else 0.0

    def _check_asking(self) -> None:
        for name in ("questions", "captions"):
            part = getattr(self.asking, name)
            if part is not None and not 0 <= part <= 1:
                raise InputError(f"asking.{name}", "a part of the steps, from 0 to 1", str(part))
        if sum(self.parts_of_steps) > 1 + 1e-9:
            expected = "parts of the steps, 1 together at most"
            raise InputError("asking.questions, asking.captions", expected, str(sum(self.parts_of_steps)))
        if not self.losses.of_boxes and not any(self.parts_of_steps):
            raise InputError("asking", "steps of the only losses that have a weight", "none")

    def _check_prompt(self) -> None:
        """The one text that is tuned has nothing that these could change."""
        for name in ("inter", "mlm", "masks", "answers", "captions"):
            value = getattr(self.losses, name)
            if value:
                raise InputError(f"losses.{name}", "0 with the method prompt", str(value))
        if self.replay is not None:
            raise InputError("replay", "nothing with the method prompt: the shared weights forget nothing", "sources")
        if self.weights is None:
            raise InputError("weights", "the weights that the prompt is tuned for", "none")

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> TrainOptions:
        """Where a value is None or absent it has its default, which may be the method's.

        ValueError with the path: an unknown key, a wrong type, a value that cannot be (InputError).
        """
        given: dict[str, Any] = _said(content)
        defaults = DEFAULTS.get(given.get("method", "full"), DEFAULTS["full"])
        return read_plain(TrainOptions, {**defaults, **given}, "", _READERS)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        content: dict[str, Any] = plain(self)
        content["train"] = [source_to_json(one) for one in self.train]
        content["validation"] = None if self.validation is None else source_to_json(self.validation)
        if self.replay is not None:
            content["replay"]["sources"] = [source_to_json(one) for one in self.replay.sources]
            held = self.replay.validation
            content["replay"]["validation"] = None if held is None else source_to_json(held)
        return content


def _whole(parts: tuple[float, float]) -> tuple[float, float]:
    """In the same proportion, but all that there is; of nothing, nothing."""
    return (parts[0] / sum(parts), parts[1] / sum(parts)) if any(parts) else parts


#: Objects in which None says something.
_AS_IT_IS = ("config", "settings")


def _said(content: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None, within objects too."""
    return {
        key: _said(value) if isinstance(value, Mapping) and key not in _AS_IT_IS else value
        for key, value in content.items()
        if value is not None
    }


def _config(value: Any, path: str) -> GlipConfig | str:
    if not isinstance(value, str):
        return read_plain(GlipConfig, value, path)
    if value in (AUTO, *CONFIGS):
        return value
    try:
        return read_plain(GlipConfig, json.loads(Path(value).read_text("utf-8")), path)
    except OSError as error:
        expected = f"one of {AUTO}, {', '.join(CONFIGS)}, a JSON file, or an object"
        raise InputError(path, expected, repr(value)) from error
    except json.JSONDecodeError as error:
        raise InputError(path, f"JSON in {value}", str(error)) from error


def _settings(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(path, "an object", repr(value))
    return dict(value)


_READERS: Readers = {Source: source_from_json, GlipConfig | str: _config, Mapping[str, Any]: _settings}

#: Least value of each number, and whether it must be more than that.
_LEAST = {
    "learning_rate": (0, True),
    "weight_decay": (0, False),
    "ema": (0, False),
    "shots": (1, False),
    "shot_seed": (0, False),
    "steps": (1, False),
    "epochs": (0, True),
    "batch_size": (1, False),
    "accumulation": (1, False),
    "language_learning_rate": (0, False),
    "backbone_factor": (0, False),
    "warmup_steps": (0, False),
    "clip_gradients": (0, False),
    "frozen_stages": (0, False),
    "long_side": (1, False),
    "seed": (0, False),
    "checkpoint_steps": (1, False),
    "keep_checkpoints": (1, False),
    "evaluate_steps": (1, False),
    "sample_pictures": (0, False),
    "readers": (1, False),
    "processes": (1, False),
}


def _check_numbers(options: TrainOptions) -> None:
    for one in fields(options):
        value = getattr(options, one.name)
        if one.name in _LEAST and value is not None:
            least, more = _LEAST[one.name]
            if not math.isfinite(value) or value < least or (more and value == least):
                raise InputError(one.name, f"a number {'>' if more else '>='} {least}", str(value))
    if options.ema >= 1:
        raise InputError("ema", "a number < 1", str(options.ema))
    for at, part in enumerate(options.milestones):
        if not 0 < part < 1:
            raise InputError(f"milestones[{at}]", "a part of the run, between 0 and 1", str(part))
    if options.replay is not None and not 0 < options.replay.share < 1:
        raise InputError("replay.share", "a part of the pictures, between 0 and 1", str(options.replay.share))
    for at, side in enumerate(options.short_sides or ()):
        if side < 1:
            raise InputError(f"short_sides[{at}]", "a number >= 1", str(side))
