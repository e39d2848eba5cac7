"""Names of the tensors of deep fusion: official checkpoint to `GLIP` of this package.

`RULES` are applied by `re.sub` in turn to an official key. A key that matches one of `DERIVED` holds no parameter: the
model computes it, and a checkpoint may or may not carry it.

The official tower is a flat list, and so is ours, in the same order: fusion, text layer and dynamic convolution in turn
where there is fusion, dynamic convolutions alone where there is none.
"""

from __future__ import annotations

from glipv2.checkpoints.names_text import layer

_ATTENTION = (
    ("v_proj", "query"),
    ("l_proj", "key"),
    ("values_v_proj", "picture_value"),
    ("values_l_proj", "text_value"),
    ("out_v_proj", "picture_output"),
    ("out_l_proj", "text_output"),
)

RULES: tuple[tuple[str, str], ...] = (
    (r"^rpn\.head\.dyhead_tower\.(\d+)\.b_attn\.", r"tower.\1."),
    (r"^(tower\.\d+)\.layer_norm_v\.", r"\1.picture_norm."),
    (r"^(tower\.\d+)\.layer_norm_l\.", r"\1.text_norm."),
    (r"^(tower\.\d+)\.gamma_v$", r"\1.picture_share"),
    (r"^(tower\.\d+)\.gamma_l$", r"\1.text_share"),
    *((rf"^(tower\.\d+)\.attn\.{official}\.", rf"\1.attention.{ours}.") for official, ours in _ATTENTION),
    (r"^rpn\.head\.dyhead_tower\.(\d+)\.(?=attention\.|intermediate\.|output\.)", r"tower.\1."),
    *layer(r"tower\.\d+"),
)

DERIVED: tuple[str, ...] = ()
