"""A tuned prompt: what is added to the text encoder's features of one list of categories, and nothing else.

The weights that it was tuned for stay as they are and serve everything else, other tuned prompts too. GLIPv2's way of
prompt tuning; in the official code it is `language_prompt_v2`.

Legend: B pictures, T tokens of the text, L channels of a token.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from glipv2.checkpoints.files import content_error, read_safetensors, write_safetensors
from glipv2.config import GlipConfig
from glipv2.errors import InputError
from glipv2.text.bert import TextFeatures
from glipv2.text.prompts import Prompt, Window, Wording, category_prompts
from glipv2.text.wordpiece import WordPiece

#: What the file's metadata says: the categories and the separator, as JSON.
PROMPT = "glipv2.prompt"

_TENSOR = "offsets"


class TunedPrompt(nn.Module):
    """Before it is trained it changes nothing."""

    def __init__(self, names: Sequence[str], config: GlipConfig) -> None:
        """InputError: categories that do not fit one text, or that the model cannot read."""
        super().__init__()
        self.names = tuple(names)
        self.separator = config.prompt.separator
        self.prompt = prompt_of(names, config)
        self.offsets_TL = nn.Parameter(torch.zeros(len(self.prompt.ids), config.text.width))

    def forward(self, text: TextFeatures) -> TextFeatures:
        """Of texts that are all the prompt's own, without padding."""
        assert text.hidden_BTC.shape[1] == len(self.offsets_TL), "another text"
        offsets_TL = self.offsets_TL
        return text._replace(embedded_BTC=text.embedded_BTC + offsets_TL, hidden_BTC=text.hidden_BTC + offsets_TL)

    def save(self, path: Path, offsets_TL: Tensor | None = None) -> None:
        """`offsets_TL`: other values than its own, such as their average. OSError."""
        values_TL = self.offsets_TL if offsets_TL is None else offsets_TL
        content = {"names": list(self.names), "separator": self.separator}
        write_safetensors(path, {_TENSOR: values_TL.detach().float().cpu()}, {PROMPT: json.dumps(content)})

    @staticmethod
    def load(path: Path, config: GlipConfig) -> TunedPrompt:
        """For a model of this configuration, on the CPU. WeightsError: it is no tuned prompt, or another model's."""
        tensors, metadata = read_safetensors(path)
        try:
            content = json.loads(metadata[PROMPT])
            names, separator = [str(one) for one in content["names"]], str(content["separator"])
            offsets_TL = tensors[_TENSOR].float()
        except (KeyError, ValueError, TypeError) as error:
            raise content_error(path, f"no tuned prompt: {error!r}") from error
        if separator != config.prompt.separator:
            raise content_error(
                path,
                f"a prompt with {separator!r} between categories, where the model reads {config.prompt.separator!r}",
            )
        tuned = TunedPrompt(names, config)
        if offsets_TL.shape != tuned.offsets_TL.shape:
            expected, received = list(tuned.offsets_TL.shape), list(offsets_TL.shape)
            raise content_error(path, f"a prompt of the shape {received}, where the model's text has {expected}")
        tuned.offsets_TL = nn.Parameter(offsets_TL)
        return tuned


def prompt_of(names: Sequence[str], config: GlipConfig) -> Prompt:
    """The one text that holds all categories. InputError."""
    window = Window(config.prompt.max_tokens)
    prompts = category_prompts(WordPiece.default(), names, Wording(config.prompt.separator), window)
    if len(prompts) > 1:
        received = f"{len(names)}, which need {len(prompts)} texts"
        raise InputError("categories", f"categories that fit one text of {window.tokens} tokens", received)
    return prompts[0]
