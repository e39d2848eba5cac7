"""Names of the head's tensors: official checkpoint to `GLIP` of this package.

`RULES` are applied by `re.sub` in turn to an official key. A key that matches one of `DERIVED` has no place in the
model, and a checkpoint may or may not carry it.
"""

from __future__ import annotations

RULES: tuple[tuple[str, str], ...] = (
    (r"^rpn\.head\.dyhead_tower\.(\d+)\.(?=DyConv\.|AttnConv\.|offset\.|relu\.)", r"tower.\1."),
    # By the level that is read: the one above, the level itself, the one below.
    (r"^(tower\.\d+)\.DyConv\.0\.", r"\1.coarser."),
    (r"^(tower\.\d+)\.DyConv\.1\.", r"\1.same."),
    (r"^(tower\.\d+)\.DyConv\.2\.", r"\1.finer."),
    (r"^(tower\.\d+\.(?:coarser|same|finer))\.conv\.", r"\1."),
    (r"^(tower\.\d+\.(?:coarser|same|finer))\.bn\.", r"\1.norm."),
    (r"^(tower\.\d+)\.AttnConv\.1\.", r"\1.gate."),
    (r"^(tower\.\d+)\.offset\.", r"\1.offsets."),
    (r"^(tower\.\d+)\.relu\.fc\.0\.", r"\1.relu.reduce."),
    (r"^(tower\.\d+)\.relu\.fc\.2\.", r"\1.relu.expand."),
    (r"^rpn\.head\.bbox_pred\.", "boxes.deltas."),
    (r"^rpn\.head\.centerness\.", "boxes.centerness."),
    (r"^rpn\.head\.scales\.(\d+)\.scale$", r"boxes.scales.\1"),
    (r"^rpn\.head\.dot_product_projection_text\.", "words.projection."),
    (r"^rpn\.head\.log_scale$", "words.log_scale"),
    (r"^rpn\.head\.bias_lang$", "words.token_bias"),
    (r"^rpn\.head\.bias0$", "words.bias"),
)

DERIVED: tuple[str, ...] = (
    # Anchors, which follow from the strides.
    r"^rpn\.anchor_generator\.cell_anchors\.\d+$",
    # A classifier over fixed categories: computed by the official head, trained with a weight of 0, read by nothing.
    r"^rpn\.head\.cls_logits\.(weight|bias)$",
)
