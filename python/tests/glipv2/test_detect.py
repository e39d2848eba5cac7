from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from weights import waves

from glipv2.config import PostprocessConfig
from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import encode
from glipv2.detection.detect import detect
from glipv2.detection.nms import nms_by_label
from glipv2.detection.objects import Objects, best
from glipv2.detection.scores import Groups, label_scores
from glipv2.model import Output
from glipv2.pyramid import Sizes

SIZES: Sizes = ((26, 34), (13, 17), (7, 9), (4, 5), (2, 3))
#: Of two pictures, each smaller than what the pyramid covers.
PICTURES = ((200, 270), (208, 225))
NONE = torch.zeros(0)


def output(logits_BNT: Tensor, deltas_BN4: Tensor, centerness_BN: Tensor, sizes: Sizes = SIZES) -> Output:
    return Output(logits_BNT, deltas_BN4, centerness_BN, sizes, NONE, NONE, NONE)


def random_output(tokens: int, offset: float, seed: int = 0, pictures: int = 2) -> Output:
    """`offset`: what the logits are around; the lower, the fewer pass."""
    draw = torch.Generator().manual_seed(seed)
    regions = sum(height * width for height, width in SIZES)
    return output(
        2 * torch.randn(pictures, regions, tokens, generator=draw) + offset,
        1.5 * torch.randn(pictures, regions, 4, generator=draw),
        torch.randn(pictures, regions, generator=draw),
    )


#: Of one or two tokens, a full stop between them.
CATEGORIES: Groups = [[3 * k + 1] if k % 3 else [3 * k + 1, 3 * k + 2] for k in range(20)]
CASES: dict[str, tuple[int, float, Groups, PostprocessConfig]] = {
    "few pass": (64, -7.0, CATEGORIES, PostprocessConfig()),
    "most pass": (64, 0.0, CATEGORIES, PostprocessConfig()),
    "eighty labels": (256, -4.0, [[2 * k + 1] for k in range(80)], PostprocessConfig()),
    "phrases that share tokens": (24, -4.0, [[1, 2, 3], [3], [5, 6, 7, 8, 9], [2, 3]], PostprocessConfig()),
    "one label": (5, -1.0, [[1, 2, 3]], PostprocessConfig()),
    "nothing passes": (64, -60.0, CATEGORIES, PostprocessConfig()),
    "other settings": (
        64,
        -3.0,
        CATEGORIES,
        PostprocessConfig(pre_nms_top_n=30, threshold=0.4, nms=0.3, max_objects=17),
    ),
    "no limits": (64, -5.0, CATEGORIES, PostprocessConfig(threshold=0.0, nms=0.0, max_objects=0)),
}


def official_objects(cfg: Any, seen: Output, groups: Groups, config: PostprocessConfig, mode: str) -> list[Objects]:
    """What the official post-processing makes of it, best score first. `regions_N` it does not say: -1."""
    from maskrcnn_benchmark.modeling.rpn.anchor_generator import make_anchor_generator_complex
    from maskrcnn_benchmark.modeling.rpn.inference import make_atss_postprocessor
    from maskrcnn_benchmark.modeling.rpn.vldyhead import BoxCoder
    from maskrcnn_benchmark.structures.image_list import ImageList

    cfg = cfg.clone()
    values = {
        "RPN.USE_FPN": True,
        "RPN.ASPECT_RATIOS": (1.0,),
        "RPN.SCALES_PER_OCTAVE": 1,
        "RPN.ANCHOR_SIZES": (64, 128, 256, 512, 1024),
        "RPN.ANCHOR_STRIDE": (8, 16, 32, 64, 128),
        "ATSS.INFERENCE_TH": config.threshold,
        "ATSS.PRE_NMS_TOP_N": config.pre_nms_top_n,
        "ATSS.NMS_TH": config.nms,
        "ATSS.DETECTIONS_PER_IMG": config.max_objects,
        "DYHEAD.SCORE_AGG": mode,
    }
    cfg.merge_from_list([part for key, value in values.items() for part in (f"MODEL.{key}", value)])
    places = [height * width for height, width in seen.sizes]

    def maps(values_BNC: Tensor) -> list[Tensor]:
        levels = zip(values_BNC.split(places, dim=1), seen.sizes, strict=True)
        return [one.transpose(1, 2).unflatten(2, size) for one, size in levels]

    pictures = ImageList(NONE, list(PICTURES[: len(seen.logits_BNT)]))
    shapes = [torch.zeros(len(seen.logits_BNT), 80, *size) for size in seen.sizes]
    found = make_atss_postprocessor(cfg, BoxCoder(cfg))(
        maps(seen.deltas_BN4),
        maps(seen.centerness_BN[..., None]),
        make_anchor_generator_complex(cfg)(pictures, shapes),
        box_cls=shapes,
        dot_product_logits=list(seen.logits_BNT.split(places, dim=1)),
        positive_map={label: list(group) for label, group in enumerate(groups, 1)},
    )
    result = []
    for one in found:
        order = one.get_field("scores").argsort(descending=True, stable=True)
        labels = one.get_field("labels") - 1
        result.append(Objects(one.bbox, one.get_field("scores"), labels, torch.full_like(labels, -1)).take(order))
    return result


def assert_same(got: Objects, expected: Objects) -> None:
    # Labels that share their best token score the same; which one comes first is nobody's business.
    got, expected = (one.take(one.labels_N.argsort(stable=True)) for one in (got, expected))
    torch.testing.assert_close(got.scores_N, expected.scores_N, atol=1e-6, rtol=0)
    torch.testing.assert_close(got.boxes_N4, expected.boxes_N4, atol=1e-4, rtol=1e-6)
    assert torch.equal(got.labels_N, expected.labels_N)


@pytest.mark.official
@pytest.mark.timeout(300)  # a cold disk can take minutes to give torch and transformers
@pytest.mark.filterwarnings("ignore")  # the official code's own
@pytest.mark.parametrize("mode", ["MEAN", "MAX"])
@pytest.mark.parametrize("name", CASES)
def test_as_the_official_code_selects(official: Any, name: str, mode: str) -> None:
    tokens, offset, groups, config = CASES[name]
    seen = random_output(tokens, offset)
    expected = official_objects(official, seen, groups, config, mode)
    found = detect(seen, [groups, groups], PICTURES, config, "max" if mode == "MAX" else "mean")
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)
    counts = [len(one.scores_N) for one in found]
    assert (counts == [0, 0]) == (name == "nothing passes")
    if name in ("most pass", "eighty labels"):
        assert counts == [100, 100]


def test_one_object_by_hand() -> None:
    """One region passes. Its score is the root of its tokens' mean times the centerness."""
    seen = output(torch.full((1, 1194, 6), -9.0), torch.zeros(1, 1194, 4), torch.zeros(1, 1194))
    region = 26 * 34 + 17 * 3 + 2
    box = torch.tensor([[10.0, 20, 99, 159]])
    seen.deltas_BN4[0, region] = encode(box, anchors(SIZES)[region])[0]
    seen.logits_BNT[0, region, 2:4] = torch.tensor([math.log(0.8 / 0.2), math.log(0.4 / 0.6)])
    (found,) = detect(seen, [[[1], [2, 3], []]], [(150, 270)], PostprocessConfig())
    assert (found.labels_N.tolist(), found.regions_N.tolist()) == ([1], [region])
    assert found.scores_N.item() == pytest.approx(math.sqrt(0.6 * 0.5))
    torch.testing.assert_close(found.boxes_N4, torch.tensor([[10.0, 20, 99, 149]]), atol=1e-3, rtol=0)
    (larger,) = detect(seen, [[[1], [2, 3], []]], [(150, 270)], PostprocessConfig(), "max")
    assert larger.scores_N.item() == pytest.approx(math.sqrt(0.8 * 0.5))


def test_the_threshold_is_for_the_probability_alone() -> None:
    seen = output(torch.zeros(1, 1194, 1), torch.zeros(1, 1194, 4), torch.full((1, 1194), -9.0))
    assert len(detect(seen, [[[0]]], PICTURES[:1], PostprocessConfig(threshold=0.49))[0].scores_N) > 0
    assert len(detect(seen, [[[0]]], PICTURES[:1], PostprocessConfig(threshold=0.5))[0].scores_N) == 0


def test_as_many_as_wanted_unless_scores_are_the_same() -> None:
    seen = random_output(12, -1.0, pictures=1)
    groups, limit = [[1], [2, 3]], PostprocessConfig(max_objects=9)
    assert len(detect(seen, [groups], PICTURES[:1], limit)[0].scores_N) == 9
    (found,) = detect(seen, [[[1], [1]]], PICTURES[:1], limit)
    assert len(found.scores_N) == 10
    assert found.scores_N[8] == found.scores_N[9]


def test_each_picture_has_its_own_groups() -> None:
    seen = random_output(12, -1.0)
    several = detect(seen, [[[1], [2, 3]], [[5]]], PICTURES, PostprocessConfig())
    for picture, groups in enumerate(([[1], [2, 3]], [[5]])):
        alone = Output(*(one[picture : picture + 1] for one in seen[:3]), *seen[3:])
        (single,) = detect(alone, [groups], PICTURES[picture : picture + 1], PostprocessConfig())
        for one, other in zip(several[picture], single, strict=True):
            assert torch.equal(one, other)
    assert set(several[1].labels_N.tolist()) == {0}


def test_regions_are_those_of_the_boxes() -> None:
    seen = random_output(12, -1.0)
    found = detect(seen, [[[1], [2, 3]]] * 2, PICTURES, PostprocessConfig())
    for picture, objects in enumerate(found):
        scores_KN = label_scores(seen.logits_BNT[picture], [[1], [2, 3]])
        of_regions = scores_KN * seen.centerness_BN[picture].sigmoid()
        assert torch.equal(of_regions[objects.labels_N, objects.regions_N].sqrt(), objects.scores_N)


def test_scores_that_are_no_numbers_are_left_out() -> None:
    seen = random_output(12, -1.0, pictures=1)
    seen.deltas_BN4[0, :600] = math.nan
    seen.centerness_BN[0, 900:] = math.nan
    (found,) = detect(seen, [[[1], [2, 3]]], PICTURES[:1], PostprocessConfig())
    assert len(found.scores_N) > 10
    assert found.boxes_N4.isfinite().all()
    assert found.scores_N.isfinite().all()
    assert 600 <= int(found.regions_N.min()) <= int(found.regions_N.max()) < 900


@pytest.mark.parametrize("groups", [[[[1], [12]]], [[[-1]]]])
def test_tokens_outside_of_the_text_are_refused(groups: list[Groups]) -> None:
    with pytest.raises(ValueError, match=r"tokens of a text that has 12, from 0 on, got (12|-1)"):
        detect(random_output(12, -1.0, pictures=1), groups, PICTURES[:1], PostprocessConfig())


def test_a_size_for_each_picture() -> None:
    with pytest.raises(ValueError, match="for 2 pictures, got 2 and 1"):
        detect(random_output(12, -1.0), [[[1]]] * 2, PICTURES[:1], PostprocessConfig())


def overlap(a: list[float], b: list[float]) -> float:
    shared = math.prod(max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1, 0) for i in (0, 1))
    return shared / (sum((box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)) - shared)


def drawn_objects(count: int, labels: int, seed: int = 0) -> Objects:
    draw = torch.Generator().manual_seed(seed)
    corners = 60 * torch.rand(count, 2, generator=draw)
    boxes = torch.cat([corners, corners + 40 * torch.rand(count, 2, generator=draw)], dim=1)
    scores, of = torch.rand(count, generator=draw), torch.randint(0, labels, (count,), generator=draw)
    return Objects(boxes, scores, of, torch.arange(count))


def test_suppression_is_greedy_label_by_label() -> None:
    boxes, scores, labels, _ = drawn_objects(300, 4)
    rows, kept = boxes.double().tolist(), []
    for i in scores.argsort(descending=True).tolist():
        if all(labels[i] != labels[j] or overlap(rows[i], rows[j]) <= 0.5 for j in kept):
            kept.append(i)
    assert nms_by_label(boxes, scores, labels, 0.5).tolist() == sorted(kept)
    assert 20 < len(kept) < 280


def test_a_last_pixel_belongs_to_its_box() -> None:
    """Two boxes of 10 x 10 pixels, five columns shared: 50 of 150. By plain corners it would be 36 of 126."""
    boxes = torch.tensor([[0.0, 0, 9, 9], [5, 0, 14, 9]])
    scores, labels = torch.tensor([0.5, 0.9]), torch.zeros(2, dtype=torch.long)
    assert nms_by_label(boxes, scores, labels, 0.3).tolist() == [1]
    assert nms_by_label(boxes, scores, labels, 0.34).tolist() == [0, 1]
    assert nms_by_label(boxes, scores, torch.tensor([0, 1]), 0.3).tolist() == [0, 1]


def test_passes_with_other_labels_lose_nothing() -> None:
    seen = random_output(12, -3.0)
    passes = detect(seen, [[[1], [2, 3]], [[5]]], PICTURES, PostprocessConfig())
    objects = Objects.cat([passes[0], passes[1].shifted(2)])
    index = best(objects, 0.6)
    assert sorted(index.tolist()) == list(range(len(objects.scores_N)))
    assert objects.scores_N[index].tolist() == sorted(objects.scores_N.tolist(), reverse=True)


def test_passes_that_find_the_same_give_it_once() -> None:
    one = drawn_objects(60, 3)
    alone = one.take(best(one, 0.6))
    moved = one._replace(boxes_N4=one.boxes_N4 + 0.01, scores_N=one.scores_N * 0.9)
    twice = Objects.cat([moved, one])
    found = twice.take(best(twice, 0.6))
    for got, expected in zip(found, alone, strict=True):
        assert torch.equal(got, expected)
    assert best(twice, 0.6, count=7).tolist() == best(twice, 0.6)[:7].tolist()


def test_thresholds_for_each_label() -> None:
    objects = drawn_objects(90, 3)
    for thresholds in ([0.9, 0.1, 0.5], (0.2, 0.2, 2.0)):
        index = best(objects, 0.0, thresholds)
        expected = [i for i in range(90) if objects.scores_N[i] > thresholds[int(objects.labels_N[i])]]
        assert sorted(index.tolist()) == expected
        assert expected
    assert sorted(best(objects, 0.0, 0.5).tolist()) == (objects.scores_N > 0.5).nonzero().squeeze(1).tolist()
    with pytest.raises(ValueError, match="one for each label, got 2, and label 2"):
        best(objects, 0.0, [0.1, 0.2])
    nothing = objects.take(torch.zeros(0, dtype=torch.long))
    assert best(nothing, 0.6, [0.1]).tolist() == []


def test_boxes_in_pixels_of_the_picture() -> None:
    objects = Objects(torch.tensor([[0.0, 10, 49, 99], [5, 5, 49, 99]]), NONE, NONE, NONE)
    expected = torch.tensor([[0.0, 5, 98, 49.5], [10, 2.5, 98, 49.5]])
    assert torch.equal(objects.resized((100, 50), (50, 100)).boxes_N4, expected)
    assert objects.resized((98, 48), (98, 48)).boxes_N4.tolist() == [[0, 10, 48, 98], [5, 5, 48, 98]]


#: Made by the official post-processing.
NUMBERS = Objects(
    torch.tensor(
        [
            [27.84203, 75.12442, 63.02679, 158.16934],
            [74.76807, 27.02145, 172.11586, 85.73612],
            [81.44623, 30.04199, 119.86899, 145.38574],
            [34.09986, 99.77429, 147.66045, 149.35739],
            [186.11362, 50.47675, 259.00000, 85.37398],
            [179.98273, 67.04266, 236.61752, 113.43438],
        ]
    ),
    torch.tensor([0.84746, 0.84592, 0.84536, 0.84490, 0.84432, 0.84408]),
    torch.tensor([1, 1, 1, 1, 2, 2]),
    torch.tensor([414, 319, 351, 589, 302, 334]),
)


def numbers_seen() -> tuple[Output, Groups, PostprocessConfig]:
    """By a formula, so that they are the same on every machine."""
    seen = output(6 * waves(1, 1194, 9) - 4.5, 3 * waves(1, 1194, 4, phase=2), 2 * waves(1, 1194, phase=4))
    return seen, [[6, 7], [3], [4, 1]], PostprocessConfig(max_objects=6)


def test_numbers_that_stay() -> None:
    seen, groups, config = numbers_seen()
    (found,) = detect(seen, [groups], [(200, 260)], config)
    torch.testing.assert_close(found.boxes_N4, NUMBERS.boxes_N4, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.scores_N, NUMBERS.scores_N, atol=1e-5, rtol=0)
    assert torch.equal(found.labels_N, NUMBERS.labels_N)
    assert torch.equal(found.regions_N, NUMBERS.regions_N)


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    tokens, offset, groups, config = CASES["most pass"]
    seen = random_output(tokens, offset)
    there = Output(*(one.cuda() for one in seen[:3]), *seen[3:])
    for one, other in zip(
        detect(there, [groups] * 2, PICTURES, config), detect(seen, [groups] * 2, PICTURES, config), strict=True
    ):
        assert one.boxes_N4.device.type == "cpu"
        assert_same(one, other)
