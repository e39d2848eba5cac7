"""Names of the text encoder's tensors: official checkpoint to `GLIP` of this package.

`RULES` are applied by `re.sub` in turn to an official key. A key that matches one of `DERIVED` holds no parameter: the
model computes it, and a checkpoint may or may not carry it.
"""

from __future__ import annotations

RULES: tuple[tuple[str, str], ...] = (
    (r"^language_backbone\.body\.model\.", "text."),
    (r"^(text\.embeddings)\.LayerNorm\.", r"\1.norm."),
    (r"^(text\.embeddings)\.(word|position|token_type)_embeddings\.", r"\1.\2."),
    (r"^text\.encoder\.layer\.", "text.layers."),
    (r"^(text\.layers\.\d+)\.attention\.self\.(query|key|value)\.", r"\1.attention.\2."),
    (r"^(text\.layers\.\d+)\.attention\.output\.dense\.", r"\1.attention.output."),
    (r"^(text\.layers\.\d+)\.attention\.output\.LayerNorm\.", r"\1.attention_norm."),
    (r"^(text\.layers\.\d+)\.intermediate\.dense\.", r"\1.expand."),
    (r"^(text\.layers\.\d+)\.output\.dense\.", r"\1.reduce."),
    (r"^(text\.layers\.\d+)\.output\.LayerNorm\.", r"\1.output_norm."),
)

#: Checkpoints saved with transformers before 4.31 carry the positions 0, 1, 2, ... as a buffer.
DERIVED: tuple[str, ...] = (r"^language_backbone\.body\.model\.embeddings\.position_ids$",)
