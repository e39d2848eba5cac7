"""`vision.detect` and `vision.ground` on a native model, several requests at once.

Legend: N objects, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from glip_worker.call import Call
from glip_worker.engines.native.memory import in_passes
from glip_worker.engines.native.model import Model
from glip_worker.engines.native.picture import rows_of
from glip_worker.engines.native.request import Job, Params, order_of, ranks, read_request
from glip_worker.engines.native.together import outcomes_of, wanted
from glip_worker.protocol.messages import Features, Span, VisionDetectParams, VisionDetectResult, VisionGroundResult
from glip_worker.tensors import Tensor as WireTensor
from glipv2.detection.detect import detect
from glipv2.detection.masks import MaskParts, masks_of
from glipv2.detection.objects import Objects, best
from glipv2.model import Output, TextFeatures
from glipv2.pyramid import Pyramid
from glipv2.text.prompts import Prompt


def find(model: Model, calls: Sequence[tuple[Call, Params]]) -> list[Any]:
    """The outcome of each call, as `outcomes_of` says it."""
    return outcomes_of(model, calls, read_request, _find)


@dataclass(frozen=True)
class Reading:
    """A prompt, and the picture that it is read with."""

    row: int
    job: Job
    prompt: Prompt


def _find(model: Model, pyramid: Pyramid, jobs: Sequence[tuple[int, Job]]) -> None:
    """As many passes as the texts need."""
    for _, job in jobs:
        job.restart()
    readings = [Reading(row, job, prompt) for row, job in jobs for prompt in job.prompts]
    height, width = jobs[0][1].padded(model.config.input.divisor)
    in_passes(readings, height * width, model.device.type, partial(_read, model, pyramid))
    for job in wanted([job for _, job in jobs]):
        job.outcome = _result(model, job)


def _read(model: Model, pyramid: Pyramid, readings: Sequence[Reading]) -> None:
    still = wanted(list({id(one.job): one.job for one in readings}.values()))
    readings = [one for one in readings if one.job in still]
    if not readings:
        return
    features = model.texts.features([one.prompt.ids for one in readings])
    texts = TextFeatures.stacked(
        [text if one.job.tuned is None else one.job.tuned(text) for one, text in zip(readings, features, strict=True)]
    )
    pyramid = rows_of(pyramid, [one.row for one in readings])
    output = model.network.read(pyramid, texts)
    sizes = [one.job.picture.seen for one in readings]
    found = detect(output, [one.prompt.groups for one in readings], sizes, model.config.postprocess)
    parts = _mask_parts(model, readings, pyramid.replaced(output.regions_BNC), found)
    vectors = [
        _vectors(output, row, found[row], one.prompt) if one.job.params.features else None
        for row, one in enumerate(readings)
    ]
    # Only now: a pass that ran out of memory is made again, and must have left nothing.
    for row, (one, objects) in enumerate(zip(readings, found, strict=True)):
        one.job.found.append(objects.shifted(one.prompt.first))
        if row in parts:
            one.job.parts.append(parts[row])
        if (both := vectors[row]) is not None:
            one.job.regions.append(both[0])
            one.job.texts.append(both[1])


def _vectors(output: Output, row: int, objects: Objects, prompt: Prompt) -> tuple[Tensor, Tensor]:
    """Of the objects, and of the labels."""
    regions_NC = output.regions_BNC[row]
    tokens_TC = output.tokens_BTC[row].float().cpu()
    texts_KC = torch.stack([tokens_TC[tokens].mean(0) for tokens in prompt.groups])
    return regions_NC[objects.regions_N.to(regions_NC.device)].float().cpu(), texts_KC


def _mask_parts(
    model: Model, readings: Sequence[Reading], fused: Pyramid, found: Sequence[Objects]
) -> dict[int, MaskParts]:
    """What masks are made of, by the row of those who want them."""
    head, rows = model.network.masks, [row for row, one in enumerate(readings) if one.job.params.masks]
    if head is None or not rows:
        return {}
    return {
        row: MaskParts.of(head, pixels_EHW, fused.features_BNC[row], fused.sizes, found[row])
        for row, pixels_EHW in zip(rows, head(fused.rows(rows)), strict=True)
    }


def _result(model: Model, job: Job) -> VisionDetectResult | VisionGroundResult:
    params = job.params
    all_found = Objects.cat(job.found)
    thresholds = params.thresholds if isinstance(params, VisionDetectParams) else None
    limit = params.threshold if thresholds is None else thresholds
    chosen_N = best(all_found, model.config.postprocess.nms, limit, params.max_objects)
    seen, size = job.picture.seen, job.picture.size
    objects = all_found.take(chosen_N).resized(seen, size)
    common: dict[str, Any] = {
        "width": size[1],
        "height": size[0],
        "boxes": WireTensor.of(objects.boxes_N4),
        "scores": WireTensor.of(objects.scores_N),
        "passes": len(job.prompts),
        "masks": _masks(job, chosen_N) if params.masks else None,
    }
    if isinstance(params, VisionDetectParams):
        categories = WireTensor.of(objects.labels_N.to(torch.int32))
        return VisionDetectResult(**common, features=_features(job, chosen_N, None), categories=categories)
    order = order_of(job.spans)
    return VisionGroundResult(
        **common,
        features=_features(job, chosen_N, order),
        phrases=[Span(start=job.spans[index][0], end=job.spans[index][1]) for index in order],
        phrase_indices=WireTensor.of(ranks(order)[objects.labels_N]),
    )


def _masks(job: Job, chosen_N: Tensor) -> list[str]:
    """As chosen, from the prompt that each object is from."""
    masks: dict[int, str] = {}
    first = 0
    for parts in job.parts:
        end = first + len(parts.boxes_N4)
        mine = chosen_N[(chosen_N >= first) & (chosen_N < end)]
        masks |= zip(mine.tolist(), masks_of(parts, mine - first, job.picture.seen, job.picture.size), strict=True)
        first = end
    return [masks[row] for row in chosen_N.tolist()]


def _features(job: Job, chosen_N: Tensor, order: Sequence[int] | None) -> Features | None:
    """The objects' rows as chosen, the texts' as ordered."""
    if not job.params.features:
        return None
    texts_KC = torch.cat(job.texts)
    return Features(
        regions=WireTensor.of(torch.cat(job.regions)[chosen_N]),
        texts=WireTensor.of(texts_KC if order is None else texts_KC[list(order)]),
    )
