"""What a run trains: built, filled with weights, and with the parts frozen that are not to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from torch import nn

from glipv2.checkpoints.load import Weights, read
from glipv2.checkpoints.official import check
from glipv2.config import CONFIGS, GlipConfig, added_heads, changed, says
from glipv2.errors import InputError
from glipv2.losses.pretraining import PretrainHeads
from glipv2.model import GLIP
from glipv2.text.bert import TextFeatures
from glipv2.text.tuned import TunedPrompt
from glipv2.training.options import TrainOptions


class Trained(nn.Module):
    """Everything that may have gradients. Only what `kept` names outlives the run."""

    def __init__(self, model: GLIP, heads: PretrainHeads | None, prompt: TunedPrompt | None) -> None:
        super().__init__()
        self.model = model
        self.heads = heads
        self.prompt = prompt
        if prompt is not None:
            # Not the module itself: it would become a part of the text encoder.
            model.text.register_forward_hook(lambda _, __, text: cast("TextFeatures", prompt(text)))

    def train(self, mode: bool = True) -> Trained:
        """Parts that are frozen stay in evaluation: nothing is dropped in them."""
        super().train(mode)
        for module in self.modules():
            own = [*module.parameters()]
            if own and not any(one.requires_grad for one in own):
                module.train(False)
        return self

    @property
    def kept(self) -> dict[str, nn.Parameter]:
        """What is averaged and kept of the parameters that are trained, by name."""
        return {
            name: one for name, one in self.named_parameters() if one.requires_grad and not name.startswith("heads.")
        }


def build(
    options: TrainOptions, names: Sequence[str], weights: Weights | None = None, answers: Sequence[str] = ()
) -> Trained:
    """On the CPU, in training. Random values are drawn from torch's generator.

    `names`: of the data's categories, for which a prompt is tuned, and which a model that answers or tells searches
    for, unless the settings say what. `weights`: of a checkpoint, in place of the options'.
    `answers`: what the model is to choose from, in place of what it chose from before, unless the settings say what;
    none: as it is. A head that the settings add to the weights' model is drawn at random.
    WeightsError, InputError: weights that cannot be read or are another model's, categories that do not fit, a loss of
    a head that there is not.
    """
    base = options.config if isinstance(options.config, GlipConfig) else CONFIGS.get(options.config)
    if weights is None and options.weights is not None:
        weights = read(options.weights, base)
    base = weights.config if base is None and weights is not None else base
    assert base is not None, "options without weights have a configuration"
    config = changed(base, options.settings)
    config = _with_texts(config, options.settings, names, answers)
    _check_losses(options, config)
    model = GLIP(_for_training(config, options))
    # What it is written with and measured by is what was asked for, without the switches of this run.
    model.config = config
    if weights is not None:
        added = added_heads(weights.config, config)
        if options.weights is not None:
            check(options.weights, config, weights.tensors, added)
        # Copied, as the file's tensors may be mapped.
        model.load_state_dict(weights.tensors, strict=not added)
    prompt = _prompt(options, names, config)
    wants_heads = options.losses.inter > 0 or options.losses.mlm > 0
    trained = Trained(model, PretrainHeads(config) if wants_heads else None, prompt)
    for module in _frozen(model, options):
        module.requires_grad_(False)
    trained.train()
    if not trained.kept:
        raise InputError("freeze", "a part that is trained", "all of them")
    return trained


def _prompt(options: TrainOptions, names: Sequence[str], config: GlipConfig) -> TunedPrompt | None:
    if options.method != "prompt":
        return None
    try:
        return TunedPrompt(names, config)
    except InputError as error:
        raise InputError(f"train: {error.path}", error.expected, error.received) from error


def _with_texts(
    config: GlipConfig, settings: Mapping[str, Any], names: Sequence[str], answers: Sequence[str]
) -> GlipConfig:
    """What the part that answers and tells knows of the data, where there is that part; none: as it was."""
    understanding = config.understanding
    if understanding is None:
        return config
    if names and not says(settings, "understanding.names"):
        understanding = replace(understanding, names=tuple(names))
    if answers and not says(settings, "understanding.answers"):
        understanding = replace(understanding, answers=tuple(answers))
    return replace(config, understanding=understanding)


#: The head that a loss is of.
_HEADS = {"masks": "masks", "answers": "understanding", "captions": "understanding"}


def _check_losses(options: TrainOptions, config: GlipConfig) -> None:
    for name, head in _HEADS.items():
        value = getattr(options.losses, name)
        if value and getattr(config, head) is None:
            expected = f"0, or a model with the part {head}: the settings {{ {head}: {{}} }} add it"
            raise InputError(f"losses.{name}", expected, str(value))


def _for_training(config: GlipConfig, options: TrainOptions) -> GlipConfig:
    if options.gradient_checkpointing:
        config = replace(
            config,
            swin=replace(config.swin, checkpointing=True),
            text=replace(config.text, checkpointing=True),
            head=replace(config.head, checkpointing=True),
        )
    stages, most = options.frozen_stages, len(config.swin.depths) + 1
    if stages is None:
        return config
    if stages > most:
        raise InputError("frozen_stages", f"at most {most}", str(stages))
    return replace(config, swin=replace(config.swin, frozen_stages=stages or -1))


def _frozen(model: GLIP, options: TrainOptions) -> list[nn.Module]:
    if options.method == "prompt":
        return [model]
    last: list[nn.Module] = [model.boxes, model.words]
    last += [one for one in (model.masks, model.understanding) if one is not None]
    if options.method == "linear_probe":
        # Answers and captions would change what words fit: without a loss of boxes these stay as they are.
        probed = last if options.losses.grounding else last[2:]
        return [module for module in model.children() if module not in probed]
    parts: dict[str, list[nn.Module]] = {
        "backbone": [model.swin, model.fpn],
        "text": [model.text],
        "head": [model.tower, *last],
    }
    return [module for part in options.freeze for module in parts[part]]
