"""What the text encoder says of texts, kept from call to call: the same few are asked for over and over."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch

from glipv2.model import GLIP, TextFeatures

#: Bytes of features that are kept.
KEPT_BYTES = 128 * 2**20

#: Texts that are encoded at once.
TOGETHER = 16

Ids = tuple[int, ...]


class Texts:
    """Least recently used first out."""

    def __init__(self, network: GLIP, device: torch.device, kept_bytes: int = KEPT_BYTES) -> None:
        self._network = network
        self._device = device
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._features: OrderedDict[Ids, TextFeatures] = OrderedDict()

    def features(self, texts: Sequence[Sequence[int]]) -> list[TextFeatures]:
        """Of each text, given as tokens: a batch of one without padding."""
        wanted = [tuple(text) for text in texts]
        # Not all of them need to be kept at once.
        found = {ids: self._features[ids] for ids in wanted if ids in self._features}
        missing = [ids for ids in dict.fromkeys(wanted) if ids not in found]
        for at in range(0, len(missing), TOGETHER):
            found |= self._encoded(missing[at : at + TOGETHER])
        for ids in dict.fromkeys(wanted):
            self._keep(ids, found[ids])
        return [found[ids] for ids in wanted]

    def _encoded(self, texts: Sequence[Ids]) -> dict[Ids, TextFeatures]:
        lengths = torch.tensor([len(ids) for ids in texts])
        mask_BT = torch.arange(int(lengths.max())) < lengths[:, None]
        ids_BT = torch.zeros(mask_BT.shape, dtype=torch.int64)
        ids_BT[mask_BT] = torch.tensor([one for ids in texts for one in ids])
        both = self._network.encode_text(ids_BT.to(self._device), mask_BT.to(self._device))
        return {
            ids: TextFeatures(*(one[row : row + 1, : len(ids)].clone() for one in both))
            for row, ids in enumerate(texts)
        }

    def _keep(self, ids: Ids, features: TextFeatures) -> None:
        if ids not in self._features:
            self._bytes += _size(features)
        self._features[ids] = features
        self._features.move_to_end(ids)
        while self._bytes > self._kept_bytes:
            self._bytes -= _size(self._features.popitem(last=False)[1])


def _size(features: TextFeatures) -> int:
    return sum(one.numel() * one.element_size() for one in features)
