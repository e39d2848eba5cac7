"""Where "bert-base-uncased" comes from: a folder, a cache, or the vocabulary of this package and no weights."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import transformers
from huggingface_hub import try_to_load_from_cache

from glip_worker.engines.official.compat.errors import vocabulary_missing
from glip_worker.engines.official.compat.patching import Changes, Settings
from glipv2.text.wordpiece import VOCABULARY

NAME = "bert-base-uncased"

#: config.json, tokenizer_config.json and vocab.txt (Apache-2.0, Google), no weights.
PACKAGED = VOCABULARY.parent

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
VOCABULARIES = ("tokenizer.json", "vocab.txt")

_log = logging.getLogger("glip_worker.official")


def bert(changes: Changes, settings: Settings) -> None:
    for kind in (transformers.AutoTokenizer, transformers.BertTokenizer):
        _redirect(changes, kind, lambda original, cls, options: original(cls, _vocabulary(settings), **options))
    _redirect(
        changes, transformers.BertConfig, lambda original, cls, options: original(cls, _sizes(settings), **options)
    )

    def model(original: Any, cls: Any, options: dict[str, Any]) -> Any:
        folder = _folder(settings)
        if any((folder / file).is_file() for file in WEIGHTS):
            return original(cls, folder, **options)
        _log.warning("%s: no weights in %s: BERT starts from random values until a checkpoint is loaded", NAME, folder)
        config = options.pop("config", None) or transformers.BertConfig.from_pretrained(NAME)
        return cls(config, **options)

    _redirect(changes, transformers.BertModel, model)


def _redirect(changes: Changes, kind: Any, instead: Any) -> None:
    original = kind.from_pretrained.__func__

    def from_pretrained(cls: Any, name: Any, *args: Any, **options: Any) -> Any:
        if name != NAME or args:
            return original(cls, name, *args, **options)
        return instead(original, cls, options)

    changes.set(kind, "from_pretrained", classmethod(from_pretrained))


def _folder(settings: Settings) -> Path:
    if settings.bert is not None:
        return settings.bert
    here = Path(NAME)
    if here.is_dir():
        return here.resolve()
    for repository in (NAME, f"google-bert/{NAME}"):
        cached = try_to_load_from_cache(repository, "config.json")
        if isinstance(cached, str) and _has_vocabulary(Path(cached).parent):
            return Path(cached).parent
    return PACKAGED


def _sizes(settings: Settings) -> Path:
    """A folder with a vocabulary alone holds the published encoder, which is BERT base."""
    folder = _folder(settings)
    return folder if (folder / "config.json").is_file() else PACKAGED


def _vocabulary(settings: Settings) -> Path:
    folder = _folder(settings)
    if not _has_vocabulary(folder):
        raise vocabulary_missing(folder)
    return folder


def _has_vocabulary(folder: Path) -> bool:
    return any((folder / file).is_file() for file in VOCABULARIES)
