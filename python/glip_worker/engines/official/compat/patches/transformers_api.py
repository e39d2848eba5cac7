"""Names and signatures that changed in transformers."""

from __future__ import annotations

from typing import Any

import torch
import transformers.modeling_utils as modeling_utils
import transformers.pytorch_utils as pytorch_utils
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from transformers.models.bert.modeling_bert import BertPreTrainedModel

from glip_worker.engines.official.compat.patching import Changes, Settings

#: What was added to the scores of masked tokens by the transformers of the official code's time.
MASKED = -10000.0


def chunking(changes: Changes, settings: Settings) -> None:
    changes.add(modeling_utils, "apply_chunking_to_forward", pytorch_utils.apply_chunking_to_forward)


def head_pruning(changes: Changes, settings: Settings) -> None:
    changes.add(modeling_utils, "prune_linear_layer", pytorch_utils.prune_linear_layer)
    changes.add(modeling_utils, "find_pruneable_heads_and_indices", find_pruneable_heads_and_indices)


def find_pruneable_heads_and_indices(
    heads: list[int] | set[int], n_heads: int, head_size: int, already_pruned_heads: set[int]
) -> tuple[set[int], Tensor]:
    """The heads still to prune, and the columns that stay of the `n_heads` heads that are left."""
    to_prune = set(heads) - already_pruned_heads
    left = [head for head in range(n_heads + len(already_pruned_heads)) if head not in already_pruned_heads]
    keep = torch.tensor([head not in to_prune for head in left[:n_heads]])
    return to_prune, torch.nonzero(keep.repeat_interleave(head_size)).squeeze(1)


def attention_mask(changes: Changes, settings: Settings) -> None:
    changes.set(BertPreTrainedModel, "get_extended_attention_mask", get_extended_attention_mask)


def get_extended_attention_mask(
    self: Any, attention_mask: Tensor, input_shape: tuple[int, ...], device: object = None, dtype: Any = None
) -> Tensor:
    """[B, T] or [B, T, T] of ones and zeros, as what is added to scores [B, heads, T, T]."""
    dtype = next(self.parameters()).dtype if dtype is None else dtype
    mask = attention_mask[:, None, None, :] if attention_mask.dim() == 2 else attention_mask[:, None]
    return (1.0 - mask.to(dtype)) * MASKED


def batch_encode(changes: Changes, settings: Settings) -> None:
    def encode(self: Any, text: Any, *args: Any, **options: Any) -> Any:
        return self(text, *args, **options)

    changes.add(PreTrainedTokenizerBase, "batch_encode_plus", encode)
    changes.add(PreTrainedTokenizerBase, "encode_plus", encode)
