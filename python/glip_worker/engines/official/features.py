"""The vectors that the official head scores regions and words with, for what was found.

Legend: A places of all feature maps, N objects, K labels, T tokens, C channels of the head, h and w of one map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from yacs.config import CfgNode

from glip_worker.errors import GlipError


@dataclass
class Seen:
    """What the head computed in one pass over one picture."""

    regions_AC: Tensor
    """What the dot product takes of the picture."""

    tokens_TC: Tensor
    """What it takes of the text."""

    boxes_A4: Tensor
    """In pixels of what the network saw, clipped to it."""

    scores_AT: Tensor
    """Of each token, centerness included: what the score of a label is the root of the mean (or largest) of."""


@dataclass
class _Caught:
    regions: list[Tensor] = field(default_factory=list)
    tokens: Tensor | None = None
    anchors: list[Any] = field(default_factory=list)
    head: Sequence[Any] = ()


class Features:
    """Collects the features of several prompts over one picture."""

    def __init__(self, network: Any, config: CfgNode) -> None:
        """GlipError `unsupported`: a model that scores by something else than the dot product of region and word."""
        if not config.MODEL.DYHEAD.FUSE_CONFIG.USE_DOT_PRODUCT_TOKEN_LOSS:
            reason = "this model's configuration has no dot product of regions and words (USE_DOT_PRODUCT_TOKEN_LOSS)"
            raise GlipError("unsupported", f"features: {reason}", {"feature": "features", "reason": reason})
        self._network = network
        self._largest = config.MODEL.DYHEAD.SCORE_AGG == "MAX"
        self._regions: list[Tensor] = []
        self._texts: list[Tensor] = []

    @contextmanager
    def watch(self) -> Iterator[_Caught]:
        """Catches what the head computes while the network runs once."""
        caught = _Caught()
        head = self._network.rpn.head
        hooks = [
            head.dot_product_projection_image.register_forward_hook(lambda *call: caught.regions.append(call[-1])),
            head.dot_product_projection_text.register_forward_hook(lambda *call: setattr(caught, "tokens", call[-1])),
            self._network.rpn.anchor_generator.register_forward_hook(lambda *call: caught.anchors.extend(call[-1][0])),
            head.register_forward_hook(lambda *call: setattr(caught, "head", call[-1])),
        ]
        try:
            yield caught
        finally:
            for hook in hooks:
                hook.remove()

    def add(self, caught: _Caught, found: Any, positive_map: Mapping[int, Sequence[int]]) -> None:
        """`found`: the official BoxList of this pass, not resized; its labels count from 1."""
        seen = self._seen(caught)
        texts = [seen.tokens_TC[list(tokens)].mean(0) for _, tokens in sorted(positive_map.items())]
        self._texts.append(torch.stack(texts).float().cpu())
        self._regions.append(seen.regions_AC[self._places(seen, found, positive_map)].float().cpu())

    @property
    def regions(self) -> Tensor:
        """`[N, C]`, in the order in which they were added."""
        return torch.cat(self._regions)

    @property
    def texts(self) -> Tensor:
        """`[K, C]`, in the order of the labels of all prompts."""
        return torch.cat(self._texts)

    def _seen(self, caught: _Caught) -> Seen:
        boxes_per_map, centerness, logits = caught.head[1], caught.head[2], caught.head[6]
        assert caught.tokens is not None
        coder = self._network.rpn.box_selector_test.box_coder
        decoded = [
            coder.decode(deltas[0].flatten(1).T, anchors.bbox)  # one anchor a place, so that channels are coordinates
            for deltas, anchors in zip(boxes_per_map, caught.anchors, strict=True)
        ]
        width, height = caught.anchors[0].size
        # The official boxes end on the last pixel.
        limits = torch.tensor([width - 1, height - 1] * 2, device=decoded[0].device)
        centerness_A = torch.cat([one[0].flatten() for one in centerness]).sigmoid()
        return Seen(
            regions_AC=torch.cat([one[0].flatten(1).T for one in caught.regions]),
            tokens_TC=caught.tokens[0],
            boxes_A4=torch.cat(decoded).clamp(min=0).minimum(limits),
            scores_AT=torch.cat([one[0] for one in logits]).sigmoid() * centerness_A[:, None],
        )

    def _places(self, seen: Seen, found: Any, positive_map: Mapping[int, Sequence[int]]) -> Tensor:
        """`[N]`: the place whose box and score each object has. The official post-processing does not say it."""
        labels = found.get_field("labels")
        distances_NA = torch.cdist(found.bbox, seen.boxes_A4, p=1)
        # Boxes that fill the picture are alike at many places; their scores tell them apart.
        for label, tokens in positive_map.items():
            of_tokens = seen.scores_AT[:, list(tokens)]
            scores_A = (of_tokens.amax(1) if self._largest else of_tokens.mean(1)).sqrt()
            rows = labels == label
            distances_NA[rows] += (found.get_field("scores")[rows][:, None] - scores_A).abs()
        return distances_NA.argmin(1)
