"""The objects of pictures, for the texts that read them.

A picture is searched for all names that the model knows, once, whatever is asked of it later: no word of a question or
a caption has a part in it, and so none is shown to the words before it.

Legend: B pictures, K J objects, G numbers that say how two lie, N regions, T tokens of the names, C channels of a
region, P numbers of its place, L channels of a token. Sizes are (height, width).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glipv2.config import GlipConfig
from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import decode
from glipv2.detection.nms import operator
from glipv2.head.understanding import Understanding, UnderstandingConfig, lies, places
from glipv2.model import GLIP
from glipv2.pyramid import Pyramid
from glipv2.text.bert import TextFeatures
from glipv2.text.wordpiece import WordPiece

#: Regions of a picture that may be objects, best first.
REGIONS = 300

#: Intersection over union from which two regions are of one object, whatever it is called.
SAME = 0.5

#: What is searched for by a model that knows no names.
ANYTHING = ("object",)


class Scene(NamedTuple):
    """Places and scores have no gradients: where things are, the other losses teach."""

    objects_BKL: Tensor

    lies_BKJG: Tensor
    """How they lie to each other."""

    present_BK: Tensor
    """False: that there is none."""

    boxes_BK4: Tensor
    """In pixels of what the network sees."""

    def repeated(self, times: int) -> Scene:
        """A single picture, as often: for several texts of it."""
        return Scene(*(one.expand(times, *one.shape[1:]) for one in self))

    @staticmethod
    def cat(scenes: Sequence[Scene]) -> Scene:
        """The pictures of all."""
        return Scene(*(torch.cat(one) for one in zip(*scenes, strict=True)))

    def rows(self, rows: Sequence[int]) -> Scene:
        """These pictures, any as often as it comes."""
        return Scene(*(one[list(rows)] for one in self))


class Search(NamedTuple):
    """What a picture's objects are made of: nothing in it depends on the part that answers and tells."""

    regions_BKC: Tensor
    """As they read the names,"""

    features_BKC: Tensor
    """and of the picture alone."""

    place_BKP: Tensor

    scores_BK: Tensor

    logits_BKT: Tensor
    """How well the names' tokens fit, the first and the last token excepted."""

    present_BK: Tensor

    boxes_BK4: Tensor


def scene(model: GLIP, pyramid: Pyramid, sizes: Sequence[tuple[int, int]], names: TextFeatures | None = None) -> Scene:
    """`sizes`: of each picture without its padding; `names`: of `searched`, where somebody has them."""
    names = searched(model) if names is None else names
    return scene_of(model, search(model, pyramid, sizes, names), names)


def scene_of(model: GLIP, found: Search, names: TextFeatures) -> Scene:
    lies_BKJG = lies(found.place_BKP.float())
    objects_BKL = head_of(model).objects(
        found.regions_BKC,
        found.features_BKC,
        found.place_BKP,
        lies_BKJG,
        found.scores_BK,
        found.logits_BKT,
        found.present_BK,
        names.hidden_BTC[0, 1:-1],
    )
    return Scene(objects_BKL, lies_BKJG, found.present_BK, found.boxes_BK4)


def search(model: GLIP, pyramid: Pyramid, sizes: Sequence[tuple[int, int]], names: TextFeatures) -> Search:
    """`names`: of `searched`."""
    output = model.read(pyramid, names)
    boxes_BN4 = decode(output.deltas_BN4.detach().float(), anchors(output.sizes, device=output.deltas_BN4.device))
    centerness_BN = output.centerness_BN.detach().float().sigmoid()
    words_BNT = output.logits_BNT[:, :, 1:-1]
    scores_BN = (words_BNT.detach().float().sigmoid().amax(dim=2) * centerness_BN).sqrt()
    assert model.config.understanding is not None
    rows_BK, present_BK = _objects(boxes_BN4, scores_BN, model.config.understanding)
    batch_B1 = torch.arange(len(rows_BK), device=rows_BK.device)[:, None]
    place_BNP = places(boxes_BN4, centerness_BN, list(sizes))
    return Search(
        output.regions_BNC[batch_B1, rows_BK],
        pyramid.features_BNC[batch_B1, rows_BK],
        place_BNP[batch_B1, rows_BK],
        scores_BN[batch_B1, rows_BK],
        words_BNT[batch_B1, rows_BK],
        present_BK,
        boxes_BN4[batch_B1, rows_BK],
    )


def searched(model: GLIP) -> TextFeatures:
    """The names that are searched for, of one row."""
    ids_1T = torch.tensor([searched_ids(model.config)], device=model.text.embeddings.word.weight.device)
    return model.encode_text(ids_1T, torch.ones_like(ids_1T, dtype=torch.bool))


def searched_ids(config: GlipConfig) -> list[int]:
    """The names that are searched for, as many as a text holds."""
    pieces = WordPiece.default()
    assert config.understanding is not None
    names = config.understanding.names or ANYTHING
    tokens: list[int] = []
    between = pieces.encode(config.prompt.separator).ids[1:-1]
    for name in names:
        more = [*(between if tokens else ()), *pieces.encode(name).ids[1:-1]]
        if len(tokens) + len(more) > config.prompt.max_tokens - 2:
            break
        tokens += more
    return [pieces.cls_id, *tokens, pieces.sep_id]


def head_of(model: GLIP) -> Understanding:
    """AssertionError: a model without; callers look before they ask."""
    assert model.understanding is not None, "a model with the part understanding"
    return model.understanding


@torch.no_grad()
def _objects(boxes_BN4: Tensor, scores_BN: Tensor, config: UnderstandingConfig) -> tuple[Tensor, Tensor]:
    """rows_BK of the best regions, each object's once, and which of them there are."""
    # Of so many regions there are no more objects, whatever a file's configuration says.
    most = min(config.objects, REGIONS)
    nms = operator()
    rows_BK = torch.zeros(len(boxes_BN4), most, dtype=torch.int64, device=boxes_BN4.device)
    present_BK = torch.zeros_like(rows_BK, dtype=torch.bool)
    for at, (boxes_N4, scores_N) in enumerate(zip(boxes_BN4, scores_BN, strict=True)):
        best = scores_N.topk(min(REGIONS, len(scores_N))).indices
        kept = best[nms(boxes_N4[best].cpu(), scores_N[best].cpu(), SAME).to(best.device)]
        kept = kept[scores_N[kept] >= config.least][:most]
        rows_BK[at, : len(kept)], present_BK[at, : len(kept)] = kept, True
    return rows_BK, present_BK
