"""How many tokens a prompt of all categories has. The official code cuts what is too long, and categories with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from glip_worker.engines.official.prompt import clean_name
from glip_worker.engines.official.training.configuration import Flat
from glip_worker.engines.official.training.datasets import CheckedDataset
from glip_worker.errors import invalid_argument

#: Categories in one prompt when an evaluation needs several: what the README takes for LVIS.
CHUNK = 40

SAFEGUARD = "DATASETS.SPECIAL_SAFEGUARD_FOR_COCO_GROUNDING"


class Tokenizer:
    """Counts the tokens of BERT, the two special ones included."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder

    def too_long(self, text: str, limit: int) -> int:
        """The number of tokens when it is over the limit, else 0."""
        # No token is without a character. Most prompts are short, and the tokenizer takes seconds to import.
        if len("".join(text.split())) + 2 <= limit:
            return 0
        tokens = len(self._tokenizer(text, truncation=False, verbose=False)["input_ids"])
        return tokens if tokens > limit else 0

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        from glip_worker.engines.official.compat.patches.transformers_bert import PACKAGED

        return AutoTokenizer.from_pretrained(str(self._folder or PACKAGED), local_files_only=True)


def check_training_query(keys: Mapping[str, Any], data: Sequence[CheckedDataset], tokenizer: Tokenizer) -> None:
    """GlipError `invalid_argument` when the prompt is cut, unless the official sampling of categories is on."""
    limit = keys["MODEL.LANGUAGE_BACKBONE.MAX_QUERY_LEN"]
    wordings = _wordings(keys)
    if keys[SAFEGUARD]:
        if wordings is not None:
            raise invalid_argument(
                "wordings", f"nothing beside {SAFEGUARD}, which chooses among the categories", "some"
            )
        return
    for one in data:
        if one.form != "coco":
            continue
        tokens = tokenizer.too_long(query(one.categories, wordings, keys["DATASETS.SEPARATION_TOKENS"]), limit)
        if tokens:
            expected = (
                f"categories whose prompt has at most {limit} tokens, or the setting {SAFEGUARD}: true, "
                "with which each picture's prompt holds its categories and a choice of the others"
            )
            raise invalid_argument("train", expected, f"{len(one.categories)} categories of {tokens} tokens")


def evaluation_query_keys(keys: Mapping[str, Any], data: CheckedDataset, tokenizer: Tokenizer) -> Flat:
    """Nothing when one prompt holds all categories; else how many each of several may hold."""
    limit, separator = keys["MODEL.LANGUAGE_BACKBONE.MAX_QUERY_LEN"], keys["DATASETS.SEPARATION_TOKENS"]
    wordings = _wordings(keys)
    tokens = tokenizer.too_long(query(data.categories, wordings, separator), limit)
    if not tokens or keys["TEST.CHUNKED_EVALUATION"] != -1 or keys["GLIPKNOW.PARALLEL_LANGUAGE_INPUT"]:
        return {}
    if wordings is not None:
        # In the second prompt, the official code would begin with the first wording again.
        expected = f"a prompt of at most {limit} tokens, since wordings cannot go over several"
        raise invalid_argument("wordings", expected, f"{tokens} tokens")
    size = CHUNK
    while size > 1 and any(
        tokenizer.too_long(query(data.categories[first : first + size], None, separator), limit)
        for first in range(0, len(data.categories), size)
    ):
        size //= 2
    return {"TEST.CHUNKED_EVALUATION": size}


def query(names: Sequence[str], wordings: Sequence[Mapping[str, str]] | None, separator: str) -> str:
    """The prompt as the official code joins it."""
    if wordings is None:
        return separator.join(clean_name(name) for name in names)
    return separator.join(f"{one['prefix']}{one['name']}{one['suffix']}" for one in wordings)


def _wordings(keys: Mapping[str, Any]) -> Sequence[Mapping[str, str]] | None:
    prompt = keys["DATASETS.CAPTION_PROMPT"] if keys["DATASETS.USE_CAPTION_PROMPT"] else None
    return prompt or None
