"""From pixels and names to objects: everything together, against the official network on the same weights."""

from __future__ import annotations

from typing import Any

import counterpart
import numpy
import pytest
import torch
from PIL import Image

from glipv2.config import GlipConfig, HeadConfig, InputConfig, PostprocessConfig
from glipv2.detection.detect import detect
from glipv2.detection.objects import Objects, best
from glipv2.pictures import batch, prepare
from glipv2.text.bert import BertConfig
from glipv2.text.prompts import Prompt, Window, caption_prompts, category_prompts
from glipv2.text.tuned import TunedPrompt
from glipv2.text.wordpiece import WordPiece
from glipv2.vision.fpn import FpnConfig
from glipv2.vision.swin import SwinConfig

pytestmark = [
    pytest.mark.official,
    pytest.mark.timeout(300),  # a cold disk can take minutes to give torch and transformers
    pytest.mark.filterwarnings("ignore"),  # the official code's own
]

SMALL = GlipConfig(
    swin=SwinConfig(width=16, depths=(1, 1, 2, 1), heads=(1, 2, 4, 4)),
    fpn=FpnConfig(channels=32),
    text=BertConfig(width=24, layers=2, heads=4, hidden=48),
    head=HeadConfig(blocks=2, norm_groups=8),
    input=InputConfig(short_side=128, long_side=200),
    # Weights that learnt nothing give low scores, and ones so alike that a limit would be a matter of the last digit.
    postprocess=PostprocessConfig(threshold=0.0, max_objects=0),
)
TOKENIZER = WordPiece.default()
NAMES = ["person", "traffic_light", "hair drier (electric)", "hippopotamus", "cat"]
CAPTION = "A man with a red umbrella, two dogs and a traffic light"


@pytest.fixture(scope="module")
def pair(official: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Any]:
    """The official network, ours, and the official transforms."""
    from maskrcnn_benchmark.data.transforms import build_transforms

    reference, ours = counterpart.pair(official, SMALL, tmp_path_factory.mktemp("bert"))
    reference.rpn.box_selector_test.fpn_post_nms_top_n = 0
    cfg = official.clone()
    sides = ["INPUT.MIN_SIZE_TEST", SMALL.input.short_side, "INPUT.MAX_SIZE_TEST", SMALL.input.long_side]
    colours = ["INPUT.PIXEL_MEAN", list(SMALL.input.mean), "INPUT.PIXEL_STD", list(SMALL.input.std)]
    cfg.merge_from_list([*sides, *colours])
    return reference, ours, build_transforms(cfg, False)


def expected(pair: tuple[Any, Any, Any], pixels: Any, prompt: Prompt) -> Objects:
    from maskrcnn_benchmark.structures.image_list import to_image_list

    reference, _, transforms = pair
    images = to_image_list([transforms(Image.fromarray(pixels))], SMALL.input.divisor)
    labels = dict(enumerate(prompt.groups, 1))
    with torch.no_grad():
        found = reference(images, captions=[prompt.text], positive_map=labels)[0]
    found = found.resize((pixels.shape[1], pixels.shape[0]))
    order = found.get_field("scores").argsort(descending=True, stable=True)
    one = Objects(found.bbox, found.get_field("scores"), found.get_field("labels") - 1 + prompt.first, order)
    return one.take(order)


def found(pair: tuple[Any, Any, Any], pixels: Any, prompts: list[Prompt], tuned: TunedPrompt | None = None) -> Objects:
    """All prompts in one pass over the picture."""
    _, ours, _ = pair
    pictures = batch([prepare(pixels, SMALL.input)], SMALL.input.divisor)
    longest = max(len(prompt.ids) for prompt in prompts)
    ids_BT = torch.tensor([one.ids + [TOKENIZER.pad_id] * (longest - len(one.ids)) for one in prompts])
    with torch.no_grad():
        text = ours.encode_text(ids_BT, ids_BT != TOKENIZER.pad_id)
        text = text if tuned is None else tuned(text)
        output = ours.read(ours.look(pictures.pictures_B3HW), text)
    groups = [prompt.groups for prompt in prompts]
    passes = detect(output, groups, pictures.sizes * len(prompts), SMALL.postprocess)
    objects = Objects.cat([one.shifted(prompt.first) for one, prompt in zip(passes, prompts, strict=True)])
    objects = objects.take(best(objects, SMALL.postprocess.nms))
    height, width = pixels.shape[:2]
    return objects.resized(pictures.sizes[0], (height, width))


def assert_same(one: Objects, other: Objects) -> None:
    """Each is one of the other: of what scores the same to the last digits, either may come first."""
    assert len(one.scores_N) == len(other.scores_N) > 100
    torch.testing.assert_close(one.scores_N, other.scores_N, atol=1e-5, rtol=0)
    differences_NN = torch.cdist(one.boxes_N4, other.boxes_N4, p=float("inf"))
    differences_NN += 1000 * (one.scores_N[:, None] - other.scores_N).abs()
    differences_NN[one.labels_N[:, None] != other.labels_N] = float("inf")
    nearest = differences_NN.min(dim=1)
    assert nearest.values.max() < 1e-2, "pixels, thousandths of a score"
    assert len(nearest.indices.unique()) == len(one.scores_N)


@pytest.mark.parametrize("size", [(100, 140), (210, 90), (128, 128)])
def test_categories(pair: tuple[Any, Any, Any], size: tuple[int, int]) -> None:
    pixels = numpy.random.default_rng(1).integers(0, 255, (*size, 3), dtype=numpy.uint8)
    (prompt,) = category_prompts(TOKENIZER, NAMES)
    assert_same(found(pair, pixels, [prompt]), expected(pair, pixels, prompt))


def test_a_caption(pair: tuple[Any, Any, Any]) -> None:
    pixels = numpy.random.default_rng(2).integers(0, 255, (120, 90, 3), dtype=numpy.uint8)
    (prompt,) = caption_prompts(TOKENIZER, CAPTION, [(0, 5), (11, 25), (27, 35), (40, 55)])
    assert_same(found(pair, pixels, [prompt]), expected(pair, pixels, prompt))


def test_several_prompts(pair: tuple[Any, Any, Any]) -> None:
    pixels = numpy.random.default_rng(3).integers(0, 255, (100, 120, 3), dtype=numpy.uint8)
    prompts = category_prompts(TOKENIZER, NAMES, window=Window(256, 3))
    assert [len(prompt.groups) for prompt in prompts] == [3, 2]
    parts = Objects.cat([expected(pair, pixels, prompt) for prompt in prompts])
    assert_same(found(pair, pixels, prompts), parts.take(parts.scores_N.argsort(descending=True, stable=True)))


def test_a_tuned_prompt(pair: tuple[Any, Any, Any]) -> None:
    """As `language_prompt_v2` serves one: rows of a layer, added to the text features place by place."""
    pixels = numpy.random.default_rng(4).integers(0, 255, (110, 130, 3), dtype=numpy.uint8)
    tuned = TunedPrompt(NAMES, SMALL)
    with torch.no_grad():
        tuned.offsets_TL.normal_(std=5, generator=torch.Generator().manual_seed(5))
    before = found(pair, pixels, [tuned.prompt])
    layer = torch.nn.Linear(SMALL.text.width, 1000, bias=False)
    with torch.no_grad():
        layer.weight[: len(tuned.offsets_TL)] = tuned.offsets_TL
    head = pair[0].rpn
    plain = head.cfg
    head.cfg, head.tunable_linear = plain.clone(), layer
    head.cfg.MODEL.DYHEAD.FUSE_CONFIG.ADD_LINEAR_LAYER = True
    try:
        reference = expected(pair, pixels, tuned.prompt)
    finally:
        head.cfg = plain
        del head.tunable_linear
    ours = found(pair, pixels, [tuned.prompt], tuned)
    assert_same(ours, reference)
    assert (ours.scores_N[:100] - before.scores_N[:100]).abs().max() > 1e-3, "it does nothing"
