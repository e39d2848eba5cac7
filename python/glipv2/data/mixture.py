"""Which pictures a step is about: several data sets mixed, each gone through in an order of its own.

What is drawn follows from the seed and the step alone, so that a resumed run draws what it would have drawn, and
processes that take parts of one batch share no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from glipv2.data.asking import Kind
from glipv2.data.records import Dataset, Picture
from glipv2.data.sources import Source
from glipv2.errors import InputError

#: Shares that are no whole numbers are kept to one part in so many.
PRECISION = 100_000

#: The least turns of a round, within which each data set has its exact part ...
ROUND = 1000
#: ... and the most, unless shares are rounded.
LONGEST_ROUND = 10_000_000

_Places = NDArray[np.int64]


class Mixture:
    """Data sets and how much of each is drawn.

    `shares`: of each data set, in proportion to one another. InputError: there is nothing to draw from one of them.
    """

    def __init__(self, datasets: Sequence[Dataset], shares: Sequence[float], seed: int) -> None:
        if not datasets:
            raise InputError("sources", "at least one data set", "none")
        for place, dataset in enumerate(datasets):
            if not dataset.pictures:
                raise InputError(f"sources[{place}]", "pictures", "none")
        self.datasets = tuple(datasets)
        self.seed = seed
        self._shares = tuple(shares)
        self._parts: dict[Kind, Mixture] = {}
        self._counts = [len(one.pictures) for one in datasets]
        self._quotas = _quotas(shares)
        self._round = int(self._quotas.sum())
        # Methods' caches would keep the mixture alive.
        self._turns = lru_cache(maxsize=2)(self._turns_of_round)
        self._order = lru_cache(maxsize=2 * len(datasets))(self._order_of_epoch)

    def of(self, kind: Kind) -> Mixture:
        """Of the data sets that have what a step of this kind asks for, in the same proportion; where none has, all."""
        if kind not in self._parts:
            having = [place for place, one in enumerate(self.datasets) if kind in kinds_of(one)]
            several = 0 < len(having) < len(self.datasets)
            datasets = [self.datasets[place] for place in having]
            shares = [self._shares[place] for place in having]
            self._parts[kind] = Mixture(datasets, shares, self.seed) if several else self
        return self._parts[kind]

    def draw(self, step: int, size: int) -> list[tuple[Dataset, Picture]]:
        """The pictures of a step, counted from 0, of the whole batch: each data set's next ones.

        A data set begins its next epoch, in another order, when all of its pictures have been drawn; only where that is
        amid a batch can it have a picture twice.
        """
        drawn = []
        for place in range(step * size, (step + 1) * size):
            round_, offset = divmod(place, self._round)
            turns, before = self._turns(round_)
            which = int(turns[offset])
            epoch, nth = divmod(round_ * int(self._quotas[which]) + int(before[offset]), self._counts[which])
            dataset = self.datasets[which]
            drawn.append((dataset, dataset.pictures[self._order(which, epoch)[nth]]))
        return drawn

    def _turns_of_round(self, round_: int) -> tuple[_Places, _Places]:
        """Whose turn it is at each place of a round, and how many turns it had before in that round."""
        turns = np.repeat(np.arange(len(self._quotas)), self._quotas)
        np.random.default_rng([self.seed, round_, len(turns)]).shuffle(turns)
        before = np.empty_like(turns)
        for which, quota in enumerate(self._quotas.tolist()):
            before[turns == which] = np.arange(quota)
        return turns, before

    def _order_of_epoch(self, which: int, epoch: int) -> _Places:
        count = self._counts[which]
        return np.random.default_rng([self.seed, epoch, count, which]).permutation(count)


def kinds_of(dataset: Dataset) -> tuple[Kind, ...]:
    """Which steps it has something for."""
    having: dict[Kind, bool] = {
        "boxes": bool(dataset.names) or any(len(one.boxes_M4) for one in dataset.pictures),
        "questions": any(one.questions for one in dataset.pictures),
        "captions": any(one.captions for one in dataset.pictures),
    }
    return tuple(kind for kind, there in having.items() if there)


def shares_of(sources: Sequence[Source], datasets: Sequence[Dataset], path: str = "sources") -> list[float]:
    """What a `Mixture` takes of them. InputError: some name a share, others do not."""
    given = [one.share for one in sources if one.share is not None]
    if given and len(given) < len(sources):
        place = next(place for place, one in enumerate(sources) if one.share is None)
        raise InputError(f"{path}[{place}].share", "a share, as other sources have one", "none")
    return given or [float(len(data.pictures) * one.copies) for one, data in zip(sources, datasets, strict=True)]


def epoch_size(sources: Sequence[Source], datasets: Sequence[Dataset]) -> int:
    """Pictures of an epoch: all, as often as their source says."""
    return sum(len(data.pictures) * one.copies for one, data in zip(sources, datasets, strict=True))


def _quotas(shares: Sequence[float]) -> _Places:
    """Turns of each data set in a round, at least one."""
    exact = np.asarray(shares, np.float64)
    if (exact != np.rint(exact)).any() or exact.sum() > LONGEST_ROUND:
        exact = np.maximum(1, np.rint(exact / exact.sum() * PRECISION))
        exact /= np.gcd.reduce(exact.astype(np.int64))
    turns = exact.astype(np.int64)
    return turns * -(-ROUND // int(turns.sum()))
