"""Configurations of GLIP as data: the released models' and glip-nano's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from glipv2.fusion.attention import FusionConfig
from glipv2.head.masks import MaskConfig
from glipv2.head.understanding import UnderstandingConfig
from glipv2.plain import plain, read_plain
from glipv2.text.bert import BertConfig
from glipv2.vision.fpn import FpnConfig
from glipv2.vision.swin import SwinConfig


@dataclass(frozen=True)
class HeadConfig:
    """The dynamic head. Its channels are the pyramid's."""

    blocks: int = 6
    """Times that fusion, a text layer and a dynamic convolution follow each other."""
    norm_groups: int = 16
    """Groups of the group normalisations; they divide the channels."""
    prior: float = 0.01
    """Share of region-token pairs that fit, from which training starts."""
    log_scale: float = 0.0
    """Where the logarithm of the learnt temperature of the dot products starts."""
    checkpointing: bool = False
    """In training, recompute each layer in the backward pass and so save its memory."""

    def __post_init__(self) -> None:
        if self.blocks < 1:
            raise ValueError(f"HeadConfig: blocks must be at least 1, got {self.blocks}")


@dataclass(frozen=True)
class InputConfig:
    """How a picture is brought to the network."""

    short_side: int = 800
    """Pixels of the shorter side after resizing ..."""
    long_side: int = 1333
    """... unless the longer one would exceed this."""
    mean: tuple[float, float, float] = (103.53, 116.28, 123.675)
    """Subtracted from values of 0 to 255, in the order of the channels."""
    std: tuple[float, float, float] = (57.375, 57.12, 58.395)
    """By which they are divided then."""
    bgr: bool = True
    """Order of the channels: blue first, or red first."""
    divisor: int = 32
    """Sides of a batch are padded to multiples of it."""


@dataclass(frozen=True)
class PromptConfig:
    """How category names become a text."""

    separator: str = ". "
    """After each name but the last."""
    max_tokens: int = 256
    """Of a text, the first and last token included; longer ones are split over several passes."""


@dataclass(frozen=True)
class PostprocessConfig:
    """How regions become objects."""

    pre_nms_top_n: int = 1000
    """Candidates of each level that are looked at, best first."""
    threshold: float = 0.05
    """Least mean probability of a candidate's tokens."""
    nms: float = 0.6
    """Overlap (intersection over union) from which the lesser of two boxes of a category goes."""
    max_objects: int = 100
    """Of a picture and a text."""


@dataclass(frozen=True)
class GlipConfig:
    """Everything that is not learnt. The defaults are GLIP-T."""

    swin: SwinConfig = field(default_factory=SwinConfig)
    fpn: FpnConfig = field(default_factory=FpnConfig)
    text: BertConfig = field(default_factory=BertConfig)
    fusion: FusionConfig | None = field(default_factory=FusionConfig)
    """None: pictures and text meet in the dot products alone."""
    head: HeadConfig = field(default_factory=HeadConfig)
    input: InputConfig = field(default_factory=InputConfig)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    masks: MaskConfig | None = None
    """None: the model finds boxes alone."""
    understanding: UnderstandingConfig | None = None
    """None: the model neither answers nor tells what it sees."""

    def __post_init__(self) -> None:
        if self.fpn.channels % self.head.norm_groups:
            raise ValueError(
                f"GlipConfig: head.norm_groups must divide fpn.channels, got {self.head.norm_groups} "
                f"and {self.fpn.channels}"
            )
        if self.prompt.max_tokens > self.text.longest:
            raise ValueError(
                f"GlipConfig: prompt.max_tokens must be at most text.longest, got {self.prompt.max_tokens} "
                f"and {self.text.longest}"
            )
        if self.understanding is not None:
            self._check_understanding(self.understanding)

    def _check_understanding(self, understanding: UnderstandingConfig) -> None:
        if self.text.width % (2 * understanding.heads):
            raise ValueError(
                f"GlipConfig: twice understanding.heads must divide text.width, got {understanding.heads} and "
                f"{self.text.width}"
            )
        if understanding.longest > self.text.longest:
            raise ValueError(
                f"GlipConfig: understanding.longest must be at most text.longest, got {understanding.longest} and "
                f"{self.text.longest}"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings."""
        content: dict[str, Any] = plain(self)
        return content

    @staticmethod
    def from_json(content: object) -> GlipConfig:
        """The inverse; what is not said is as in GLIP-T. ValueError: an unknown key, a wrong type, a value that cannot
        be, each with its path."""
        return read_plain(GlipConfig, content, "config")


#: Parts that a model may have or not, by their name in its configuration and among its modules alike.
OPTIONAL_HEADS = ("masks", "understanding")


def added_heads(before: GlipConfig, after: GlipConfig) -> tuple[str, ...]:
    """Of OPTIONAL_HEADS: which `after` has, and `before` has not."""
    return tuple(name for name in OPTIONAL_HEADS if getattr(before, name) is None and getattr(after, name) is not None)


class SettingsError(ValueError):
    """`problems`: by key, why it cannot be set."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in problems.items()))
        self.problems = problems


def changed(config: GlipConfig, settings: Mapping[str, Any]) -> GlipConfig:
    """With other values, as `{"postprocess.threshold": 0.1}` or nested; `{"masks": {}}` adds a part that is None, with
    its defaults. SettingsError."""
    leaves = [*_leaves(settings)]
    together = config.to_json()
    if all(_placed(together, key, value) for key, value in leaves):
        # One may only fit together with another.
        with suppress(ValueError):
            return GlipConfig.from_json(together)
    problems: dict[str, str] = {}
    for key, value in leaves:
        content = config.to_json()
        if not _placed(content, key, value):
            problems[key] = "there is no such key"
            continue
        try:
            config = GlipConfig.from_json(content)
        except ValueError as error:
            problems[key] = str(error)
    if problems:
        raise SettingsError(problems)
    return config


def says(settings: Mapping[str, Any], key: str) -> bool:
    """Whether they have a value for it, however they are written."""
    return any(name == key for name, _ in _leaves(settings))


def _placed(content: dict[str, Any], key: str, value: Any) -> bool:
    """Puts a value where its key says; whether there is that place. What a part that is added has is not known before
    it has been read."""
    place: Any = content
    *above, last = key.split(".")
    open_ended = False
    for part in above:
        if not isinstance(place, dict) or part not in place:
            return False
        open_ended = place[part] is None or part in OPTIONAL_HEADS
        if place[part] is None:
            place[part] = {}
        place = place[part]
    if not isinstance(place, dict) or (last not in place and not open_ended):
        return False
    if value != {} or place.get(last) is None:
        place[last] = value
    return True


def _leaves(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


_SWIN_L = SwinConfig(
    width=192,
    depths=(2, 2, 18, 2),
    heads=(6, 12, 24, 48),
    window=12,
    drop_path=0.4,
    frozen_stages=2,  # the default of the official configuration, which GLIP-L's does not change
)

# Nothing is dropped: it never sees its training data more than a few times.
_NANO = GlipConfig(
    swin=SwinConfig(width=32, depths=(2, 2, 4, 2), heads=(1, 2, 4, 8), window=8, drop_path=0.0),
    fpn=FpnConfig(channels=80, drop_block=0.0),
    text=BertConfig(width=128, layers=4, heads=4, hidden=512, dropout=0.0),
    fusion=FusionConfig(dropout=0.0),
    head=HeadConfig(blocks=2),
    input=InputConfig(short_side=256, long_side=427),
)

#: By name. GLIP-T (B), (C) and GLIP-T differ in what they were trained on alone.
CONFIGS: dict[str, GlipConfig] = {
    "glip-t-a": GlipConfig(fusion=None),
    "glip-t-b": GlipConfig(),
    "glip-t-c": GlipConfig(),
    "glip-t": GlipConfig(),
    "glip-l": GlipConfig(swin=_SWIN_L, head=HeadConfig(blocks=8)),
    "glip-nano": _NANO,
}
