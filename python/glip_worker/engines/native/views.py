"""Pictures that were looked at and are held, for whatever is asked about them later."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from glipv2.understanding.looking import Looked

#: Bytes of features that are held: some twenty pictures at the size of GLIP-T's, hundreds at glip-nano's.
KEPT_BYTES = 512 * 2**20


class ViewKey(NamedTuple):
    """A view of one size is none of another."""

    name: str
    """The client's; no other client is to guess it."""

    short_side: int
    long_side: int


class Views:
    """Of one model. Least recently used first out; one that is larger than all may be is not held."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._views: OrderedDict[ViewKey, Looked] = OrderedDict()

    def __len__(self) -> int:
        return len(self._views)

    def get(self, key: ViewKey) -> Looked | None:
        looked = self._views.get(key)
        if looked is not None:
            self._views.move_to_end(key)
        return looked

    def keep(self, key: ViewKey, looked: Looked) -> None:
        self._drop(key)
        self._views[key] = looked
        self._bytes += looked.pyramid.nbytes
        while self._bytes > self._kept_bytes:
            self._drop(next(iter(self._views)))

    def forget(self, name: str) -> None:
        """At any size; nothing happens where it is not held."""
        for key in [one for one in self._views if one.name == name]:
            self._drop(key)

    def clear(self) -> None:
        self._views.clear()
        self._bytes = 0

    def _drop(self, key: ViewKey) -> None:
        looked = self._views.pop(key, None)
        if looked is not None:
            self._bytes -= looked.pyramid.nbytes
