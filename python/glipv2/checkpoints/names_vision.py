"""Names of the picture side's tensors: official checkpoint to `GLIP` of this package.

`RULES` are applied by `re.sub` in turn to an official key. A key that matches one of `DERIVED` holds no parameter: the
model computes it, and a checkpoint may or may not carry it.
"""

from __future__ import annotations

RULES: tuple[tuple[str, str], ...] = (
    (r"^backbone\.body\.", "swin."),
    (r"^swin\.patch_embed\.proj\.", "swin.patches.projection."),
    (r"^swin\.patch_embed\.norm\.", "swin.patches.norm."),
    (r"^swin\.layers\.(\d+)\.downsample\.", r"swin.mergings.\1."),
    (r"^swin\.layers\.(\d+)\.", r"swin.stages.\1."),
    (r"^(swin\.stages\.\d+\.blocks\.\d+)\.norm1\.", r"\1.attention_norm."),
    (r"^(swin\.stages\.\d+\.blocks\.\d+)\.norm2\.", r"\1.mlp_norm."),
    (r"^(swin\.stages\.\d+\.blocks\.\d+)\.attn\.relative_position_bias_table$", r"\1.attention.bias_table"),
    (r"^(swin\.stages\.\d+\.blocks\.\d+)\.attn\.proj\.", r"\1.attention.output."),
    (r"^(swin\.stages\.\d+\.blocks\.\d+)\.attn\.", r"\1.attention."),
    (r"^(swin\.stages\.\d+\.blocks\.\d+)\.mlp\.fc1\.", r"\1.mlp.expand."),
    (r"^(swin\.stages\.\d+\.blocks\.\d+)\.mlp\.fc2\.", r"\1.mlp.reduce."),
    (r"^swin\.norm(\d+)\.", r"swin.norms.\1."),
    # The official pyramid counts from 1 at stride 4, the level that GLIP leaves out.
    (r"^backbone\.fpn\.fpn_inner2\.", "fpn.lateral.0."),
    (r"^backbone\.fpn\.fpn_inner3\.", "fpn.lateral.1."),
    (r"^backbone\.fpn\.fpn_inner4\.", "fpn.lateral.2."),
    (r"^backbone\.fpn\.fpn_layer2\.", "fpn.output.0."),
    (r"^backbone\.fpn\.fpn_layer3\.", "fpn.output.1."),
    (r"^backbone\.fpn\.fpn_layer4\.", "fpn.output.2."),
    (r"^backbone\.fpn\.top_blocks\.(p6|p7)\.", r"fpn.\1."),
)

#: Index of each pair of positions of a window into the table of biases.
DERIVED: tuple[str, ...] = (r"^backbone\.body\.layers\.\d+\.blocks\.\d+\.attn\.relative_position_index$",)
