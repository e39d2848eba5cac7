"""ODinW, object detection in the wild (Li et al., 2022; ELEVATER: Li, Liu et al., 2022): many small sets, one figure.

A model's figure is the mean of its AP over the sets, 13 or 35 of them; of 35 the median stands beside it, since many
are near 0. Few shots are drawn by three seeds: the figure is the mean over them, with its deviation.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glipv2.errors import InputError

#: By which the benchmark's few shots are drawn.
SEEDS = (3, 30, 300)

#: Pictures of each category.
SHOTS = (1, 3, 5, 10)


@dataclass(frozen=True)
class OverSets:
    mean: float
    median: float
    by_set: dict[str, float]


@dataclass(frozen=True)
class OverSeeds:
    mean: float
    deviation: float | None
    """Of the sample (n - 1); None of one seed."""
    by_seed: dict[int, float]


@dataclass(frozen=True)
class FewShot:
    all: OverSeeds
    """Of the mean over sets."""
    by_set: dict[str, OverSeeds]


def over_sets(ap: Mapping[str, float], sets: Sequence[str]) -> OverSets:
    """`ap`: of each of `sets`. InputError: one is missing, or one is there that is none of them: no mean of others."""
    _check("ap", ap, sets)
    values = [ap[one] for one in sets]
    return OverSets(statistics.fmean(values), statistics.median(values), {one: ap[one] for one in sets})


def over_seeds(ap: Mapping[int, float]) -> OverSeeds:
    """InputError: there is no seed."""
    if not ap:
        raise InputError("ap", "the AP of at least one seed", "none")
    values = list(ap.values())
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return OverSeeds(statistics.fmean(values), deviation, dict(sorted(ap.items())))


def few_shot(ap: Mapping[str, Mapping[int, float]], sets: Sequence[str]) -> FewShot:
    """`ap`: by set, then by seed, the same ones of each. InputError: as `over_sets`, or seeds differ."""
    _check("ap", ap, sets)
    seeds = sorted(ap[sets[0]])
    for one in sets:
        if sorted(ap[one]) != seeds:
            raise InputError(f"ap[{one}]", f"the seeds {seeds}", str(sorted(ap[one])))
    means = {seed: statistics.fmean(ap[one][seed] for one in sets) for seed in seeds}
    return FewShot(over_seeds(means), {one: over_seeds(ap[one]) for one in sets})


def _check(path: str, ap: Mapping[str, object], sets: Sequence[str]) -> None:
    missing = [one for one in sets if one not in ap]
    if missing:
        raise InputError(path, "the AP of every set", f"none of {', '.join(missing)}")
    unknown = sorted(set(ap) - set(sets))
    if unknown or not sets:
        raise InputError(path, f"the AP of {len(sets)} sets", f"one of {', '.join(unknown) or 'no set'}")
