"""Names of the text encoder's tensors: official checkpoint to `GLIP` of this package.

`RULES` are applied by `re.sub` in turn to an official key. A key that matches one of `DERIVED` holds no parameter: the
model computes it, and a checkpoint may or may not carry it.
"""

from __future__ import annotations


def layer(prefix: str) -> tuple[tuple[str, str], ...]:
    """Rules for a transformer layer whose own name is ours already. `prefix`: a pattern for that name."""
    return (
        (rf"^({prefix})\.attention\.self\.(query|key|value)\.", r"\1.attention.\2."),
        (rf"^({prefix})\.attention\.output\.dense\.", r"\1.attention.output."),
        (rf"^({prefix})\.attention\.output\.LayerNorm\.", r"\1.attention_norm."),
        (rf"^({prefix})\.intermediate\.dense\.", r"\1.expand."),
        (rf"^({prefix})\.output\.dense\.", r"\1.reduce."),
        (rf"^({prefix})\.output\.LayerNorm\.", r"\1.output_norm."),
    )


RULES: tuple[tuple[str, str], ...] = (
    (r"^language_backbone\.body\.model\.", "text."),
    (r"^(text\.embeddings)\.LayerNorm\.", r"\1.norm."),
    (r"^(text\.embeddings)\.(word|position|token_type)_embeddings\.", r"\1.\2."),
    (r"^text\.encoder\.layer\.", "text.layers."),
    *layer(r"text\.layers\.\d+"),
)

#: Checkpoints saved with transformers before 4.31 carry the positions 0, 1, 2, ... as a buffer.
DERIVED: tuple[str, ...] = (r"^language_backbone\.body\.model\.embeddings\.position_ids$",)
