from __future__ import annotations

from typing import Any

import pytest
import torch
from weights import waves

from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import LARGEST, clip, decode, encode

SIZES = ((13, 20), (7, 10), (4, 5), (2, 3), (1, 2))


def test_anchors_are_eight_strides_wide_around_their_region() -> None:
    anchors_N4 = anchors(((2, 3), (1, 2)), strides=(8, 16))
    assert anchors_N4.tolist() == [
        *([-28 + 8 * x, -28 + 8 * y, 35 + 8 * x, 35 + 8 * y] for y in (0, 1) for x in (0, 1, 2)),
        *([-56 + 16 * x, -56, 71 + 16 * x, 71] for x in (0, 1)),
    ]


def test_levels_and_strides_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        anchors(((2, 3),), strides=(8, 16))


def test_no_difference_is_the_anchor() -> None:
    anchors_N4 = anchors(SIZES)
    assert torch.equal(decode(torch.zeros_like(anchors_N4), anchors_N4), anchors_N4)


def test_a_box_by_hand() -> None:
    """Of an anchor 64 wide with its centre at 3.5: 6.4 pixels right, half as wide, twice as high."""
    found = decode(torch.tensor([[1.0, 0.0, -5 * 0.6931472, 5 * 0.6931472]]), torch.tensor([[-28.0, -28, 35, 35]]))
    torch.testing.assert_close(found, torch.tensor([[9.9 - 15.5, 3.5 - 63.5, 9.9 + 15.5, 3.5 + 63.5]]))


def test_decode_is_the_inverse_of_encode() -> None:
    anchors_N4 = anchors(SIZES)
    corners = 80 * waves(len(anchors_N4), 2)
    boxes_N4 = torch.cat([corners, corners + 60 + 50 * waves(len(anchors_N4), 2, phase=1)], dim=1)
    torch.testing.assert_close(decode(encode(boxes_N4, anchors_N4), anchors_N4), boxes_N4, atol=1e-3, rtol=0)


def test_no_box_is_immense() -> None:
    anchors_N4 = anchors(((1, 1),), strides=(8,))
    x1, _, x2, _ = decode(torch.full((1, 4), 1e4) * torch.tensor([0, 0, 1, 1]), anchors_N4)[0].tolist()
    assert x2 - x1 + 1 == pytest.approx(LARGEST * 64)


def test_clipped_boxes_end_on_the_last_pixel() -> None:
    boxes_N4 = torch.tensor([[-3.0, -1, 200, 300], [4, 5, 6, 7], [150, 120, 190, 130]])
    assert clip(boxes_N4, 100, 140).tolist() == [[0, 0, 139, 99], [4, 5, 6, 7], [139, 99, 139, 99]]


@pytest.mark.official
@pytest.mark.timeout(300)  # a cold disk can take minutes to give torch and transformers
@pytest.mark.filterwarnings("ignore")  # the official code's own
def test_as_the_official_code_has_it(official: Any) -> None:
    from maskrcnn_benchmark.modeling.rpn.anchor_generator import make_anchor_generator_complex
    from maskrcnn_benchmark.modeling.rpn.vldyhead import BoxCoder

    cfg = official.clone()
    keys = {"USE_FPN": True, "ASPECT_RATIOS": (1.0,), "SCALES_PER_OCTAVE": 1}
    keys |= {"ANCHOR_SIZES": (64, 128, 256, 512, 1024), "ANCHOR_STRIDE": (8, 16, 32, 64, 128)}
    cfg.merge_from_list([part for key, value in keys.items() for part in (f"MODEL.RPN.{key}", value)])
    expected = torch.cat(make_anchor_generator_complex(cfg).grid_anchors(SIZES))
    anchors_N4 = anchors(SIZES)
    assert torch.equal(anchors_N4, expected)

    coder = BoxCoder(cfg)
    deltas_N4 = 12 * waves(len(anchors_N4), 4)
    boxes_N4 = decode(deltas_N4, anchors_N4)
    assert torch.equal(boxes_N4, coder.decode(deltas_N4, anchors_N4))
    torch.testing.assert_close(encode(boxes_N4, anchors_N4), coder.encode(boxes_N4, anchors_N4), atol=1e-5, rtol=1e-5)
