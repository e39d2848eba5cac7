"""Largest differences between the native network and the official one, stage by stage: a line of JSON for each.

    npm run parity -- [--config glip-t] [--height 800] [--width 800] [--batch 1]

Both have the same drawn weights and see the same picture and text; docs/parity.md has what it prints. `largest` is the
largest absolute difference of a stage's values, `scale` their standard deviation.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import counterpart
import torch
from test_glip import texts
from torch import Tensor

from glipv2.config import CONFIGS
from glipv2.detection.detect import detect
from glipv2.fusion.attention import FusionLayer
from glipv2.head.dyconv import DyConv
from glipv2.model import GLIP, Output
from glipv2.pyramid import Pyramid

TOKENS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--config", choices=CONFIGS, default="glip-t")
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--width", type=int, default=800)
    parser.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()

    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install

    sys.dont_write_bytecode = True
    use_checkout(options.checkout)
    install(device="cpu")
    from maskrcnn_benchmark.config import cfg

    with tempfile.TemporaryDirectory() as folder:
        reference, ours = counterpart.pair(cfg, CONFIGS[options.config], Path(folder))
    generator = torch.Generator().manual_seed(0)
    pictures_B3HW = torch.randn(options.batch, 3, options.height, options.width, generator=generator)
    ids_BT, mask_BT = texts(options.batch, TOKENS)
    with torch.no_grad():
        for stage, mine, theirs in stages(reference, ours, pictures_B3HW, ids_BT, mask_BT):
            line = {
                "stage": stage,
                "values": theirs.numel(),
                "scale": theirs.std().item(),
                "largest": (mine - theirs).abs().max().item(),
            }
            print(json.dumps(line), flush=True)  # noqa: T201 - the command's output


def stages(
    reference: Any, ours: GLIP, pictures_B3HW: Tensor, ids_BT: Tensor, mask_BT: Tensor
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each stage's name, and its values by ours and by the official network."""
    text = ours.encode_text(ids_BT, mask_BT)
    read = reference.language_backbone({"input_ids": ids_BT, "attention_mask": mask_BT.long()})
    present_BT1 = mask_BT[..., None]
    yield "text encoder", text.hidden_BTC * present_BT1, read["hidden"] * present_BT1

    mine, theirs = ours.swin(pictures_B3HW), reference.backbone.body(pictures_B3HW)
    for number, (one, other) in enumerate(zip(mine, theirs[-len(mine) :], strict=True), 2):
        yield f"Swin, stage {number}", one, other
    made: list[Any] = []
    hooks = [
        # Later layers write into the same dict.
        layer.register_forward_hook(
            lambda module, given, result: made.append((flat(result["visual"]), result["lang"]["hidden"].clone()))
        )
        for layer in reference.rpn.head.dyhead_tower
    ]
    expected = counterpart.run(reference, pictures_B3HW, ids_BT, mask_BT)
    for hook in hooks:
        hook.remove()
    pyramid = ours.look(pictures_B3HW)
    yield "FPN", pyramid.features_BNC, flat(reference.backbone(pictures_B3HW))
    yield from tower(ours, pyramid, text, made)
    output = ours(pictures_B3HW, text)
    yield "logits", output.logits_BNT * mask_BT[:, None], expected.logits_BNT * mask_BT[:, None]
    yield "box deltas", output.deltas_BN4, expected.deltas_BN4
    yield "centerness", output.centerness_BN, expected.centerness_BN
    yield from objects(ours, output, expected, pictures_B3HW.shape[-2:], mask_BT)


def tower(ours: GLIP, pyramid: Pyramid, text: Any, made: list[Any]) -> Iterator[tuple[str, Tensor, Tensor]]:
    """After each fusion layer, and after each dynamic convolution."""
    text_BTL, mask_BT, block = text.hidden_BTC, text.mask_BT, 0
    present_BT1 = mask_BT[..., None]
    for layer, other in zip(ours.tower, made, strict=True):
        if isinstance(layer, FusionLayer):
            block += 1
            regions_BNC, text_BTL = layer(pyramid.features_BNC, text_BTL, mask_BT)
            pyramid = pyramid.replaced(regions_BNC)
            yield f"fusion {block}, regions", pyramid.features_BNC, other[0]
            yield f"fusion {block}, tokens", text_BTL * present_BT1, other[1] * present_BT1
        elif isinstance(layer, DyConv):
            pyramid = layer(pyramid)
            yield f"dynamic convolution {block}", pyramid.features_BNC, other[0]
        else:
            text_BTL = layer(text_BTL, mask_BT[:, None, None, :])
            yield f"text layer {block}", text_BTL * present_BT1, other[1] * present_BT1


def objects(
    ours: GLIP, output: Output, expected: Output, size: Any, mask_BT: Tensor
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """The same selection of both outputs, of eight labels of two tokens each."""
    groups = [[(2 * label + 1, 2 * label + 2) for label in range(8)]] * len(mask_BT)
    sizes = [(int(size[0]), int(size[1]))] * len(mask_BT)
    config = replace(ours.config.postprocess, threshold=0.0)  # drawn weights are sure of nothing
    one, other = detect(output, groups, sizes, config), detect(expected, groups, sizes, config)
    count = min(len(part.scores_N) for part in (*one, *other))
    yield (
        "scores of objects",
        torch.cat([part.scores_N[:count] for part in one]),
        torch.cat([part.scores_N[:count] for part in other]),
    )


def flat(maps_BCHW: Any) -> Tensor:
    return torch.cat([one.flatten(2).transpose(1, 2) for one in maps_BCHW], dim=1)


if __name__ == "__main__":
    main()
