from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from weights import Naming, drawn, filled, waves

from glipv2.checkpoints.names_vision import DERIVED, RULES
from glipv2.vision.swin import DropPath, Swin, SwinConfig
from glipv2.vision.windows import Grid, offsets_into_table, partition, reverse

NAMING = Naming("backbone.body.", "swin.", RULES, DERIVED)
SMALL = SwinConfig(width=16, depths=(2, 1, 2, 2), heads=(1, 2, 4, 8), window=4, drop_path=0.3)
SIZES = [(64, 64), (50, 71), (33, 130), (4, 4), (1, 3)]

#: Of the small model of `filled` weights on `waves` of 1 x 3 x 50 x 71: each map's sum of absolute values, and the
#: first channels of the last place of the coarsest.
GOLDEN_SUMS = [1648.953, 1031.517, 611.059]
GOLDEN_PLACE = torch.tensor([0.923465, -0.631359, -0.552349, -0.607694])


def small(**changes: Any) -> Swin:
    model = filled(Swin(replace(SMALL, **changes)))
    assert isinstance(model, Swin)
    return model


def assert_golden(maps: list[Tensor]) -> None:
    sums = torch.stack([one.abs().sum() for one in maps])
    torch.testing.assert_close(sums, torch.tensor(GOLDEN_SUMS), atol=1e-2, rtol=0)
    torch.testing.assert_close(maps[-1][0, :4, -1, -1], GOLDEN_PLACE, atol=1e-5, rtol=0)


def test_golden_outputs() -> None:
    assert_golden(small()(waves(1, 3, 50, 71)))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_maps_are_rounded_up_and_channels_last(height: int, width: int) -> None:
    maps = small()(waves(2, 3, height, width))
    sides = [[-(-side // SMALL.stride(level)) for side in (height, width)] for level in SMALL.levels]
    assert [list(one.shape) for one in maps] == [
        [2, SMALL.channels(level), *side] for level, side in zip(SMALL.levels, sides, strict=True)
    ]
    assert all(one.permute(0, 2, 3, 1).is_contiguous() for one in maps)


def test_levels_are_those_asked_for() -> None:
    pictures = waves(1, 3, 50, 71)
    model = small(levels=(0, 2))
    first, third = model(pictures)
    assert (first.shape[1], third.shape[1]) == (16, 64)
    weights = {key: value for key, value in model.state_dict().items() if not key.startswith("norms.0")}
    whole = small(levels=(2, 3))
    whole.load_state_dict(weights, strict=False)
    torch.testing.assert_close(whole(pictures)[0], third)


def test_a_batch_is_its_pictures() -> None:
    model, pictures = small(), waves(3, 3, 50, 71)
    for together, *alone in zip(model(pictures), *(model(one[None]) for one in pictures), strict=True):
        torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=0)


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize(("height", "width"), [(8, 12), (5, 7), (1, 1)])
def test_windows_are_put_together_as_they_were_cut(height: int, width: int, shift: int) -> None:
    grid, x_BHWC = Grid(height, width, window=4, shift=shift), waves(2, height, width, 3)
    windows = partition(x_BHWC, grid)
    assert windows.shape == (2 * grid.windows, 16, 3)
    assert torch.equal(reverse(windows, grid), x_BHWC)


def test_derivatives_of_the_cut() -> None:
    grid, x_BHWC = Grid(5, 7, window=4, shift=2), waves(2, 5, 7, 3).double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: partition(x, grid).square(), x_BHWC)
    windows_MNC = partition(x_BHWC, grid).detach().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: reverse(x, grid).square(), windows_MNC)


def test_inference_mode_leaves_nothing_that_training_trips_over() -> None:
    model, pictures = small(), waves(1, 3, 46, 70)
    with torch.inference_mode():
        expected = model(pictures)[-1]
    found = model(pictures)[-1]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    found.square().sum().backward()
    assert all(one.grad is not None for one in model.stages.parameters())


def test_the_mask_separates_what_the_shift_joined() -> None:
    """Places of one window may see each other where none of them came around an edge, or both did."""
    grid = Grid(8, 12, window=4, shift=2)
    around_HW2 = torch.stack(
        torch.meshgrid(torch.arange(8) < grid.shift, torch.arange(12) < grid.shift, indexing="ij"), dim=-1
    )
    around_KN2 = partition(around_HW2[None].float(), grid).bool()
    # Only the last row and the last column of windows hold both sides of an edge.
    apart_KNN = (around_KN2[:, None] != around_KN2[:, :, None]).any(-1)
    mask_KNN = grid.mask_KNN(torch.device("cpu"), torch.float32)
    assert torch.equal(mask_KNN == -100, apart_KNN)
    assert torch.equal(mask_KNN == 0, ~apart_KNN)
    assert grid.mask_KNN(torch.device("cpu"), torch.float32) is mask_KNN


def test_offsets_are_one_row_for_each_distance() -> None:
    offsets_NN = offsets_into_table(3, torch.device("cpu"))
    assert offsets_NN.unique().tolist() == list(range(25))
    assert offsets_NN.diagonal().unique().tolist() == [12]
    # From a place to its right neighbour, wherever it is.
    assert {int(offsets_NN[a, a + 1]) for a in (0, 1, 3, 4, 6, 7)} == {11}


def test_checkpointing_gives_the_same_gradients() -> None:
    gradients = []
    for checkpointing in (False, True):
        model = small(checkpointing=checkpointing).train()
        torch.manual_seed(0)
        model(waves(2, 3, 50, 71))[-1].square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_frozen_stages_stay_as_they_are() -> None:
    model = Swin(replace(SMALL, frozen_stages=2)).train()
    moving = {key.split(".")[0] + "." + key.split(".")[1] for key, one in model.named_parameters() if one.requires_grad}
    assert moving.isdisjoint({"patches.projection", "patches.norm", "stages.0", "mergings.0"})
    assert {"stages.1", "mergings.1", "norms.1"} <= moving
    assert (model.stages[0].training, model.stages[1].training) == (False, True)


def test_paths_are_dropped_in_training_alone_and_keep_the_mean() -> None:
    drop = DropPath(0.25)
    ones = torch.ones(4000, 1, 1, 2)
    assert drop.eval()(ones) is ones
    torch.manual_seed(0)
    dropped = drop.train()(ones)
    assert torch.equal(dropped[..., 0], dropped[..., 1])
    torch.testing.assert_close(dropped.unique(), torch.tensor([0, 4 / 3]))
    assert abs(dropped.mean().item() - 1) < 0.05


@pytest.mark.parametrize(
    "change", [{"heads": (1, 2, 4)}, {"heads": (1, 2, 4, 9)}, {"levels": (2, 1)}, {"levels": (4,)}]
)
def test_a_configuration_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(SMALL, **change)


class TestParity:
    """With the official Swin, on the same weights."""

    pytestmark: ClassVar = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

    @pytest.mark.parametrize("batch", [1, 3])
    @pytest.mark.parametrize(("height", "width"), SIZES)
    def test_small(self, official: Any, batch: int, height: int, width: int) -> None:
        reference, ours = pair(SMALL)
        assert_equal(ours, reference, waves(batch, 3, height, width))

    def test_golden_outputs_are_official(self, official: Any) -> None:
        reference, _ = pair(SMALL)
        NAMING.copy_back(small(), reference)
        assert_golden(reference(waves(1, 3, 50, 71))[1:])

    def test_gradients_with_dropped_paths(self, official: Any) -> None:
        reference, ours = pair(SMALL)
        for model in (reference, ours):
            model.train()
            torch.manual_seed(0)
            maps = model(waves(3, 3, 50, 71))[-3:]
            sum((one.square() * waves(*one.shape)).sum() for one in maps).backward()
        theirs = NAMING.ours({key: one.grad for key, one in reference.named_parameters()})
        mine = {key: one.grad for key, one in ours.named_parameters()}
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)

    @pytest.mark.slow
    @pytest.mark.parametrize(("height", "width"), [(224, 320), (201, 333)])
    def test_swin_t(self, official: Any, height: int, width: int) -> None:
        reference, ours = pair(SwinConfig())
        assert_equal(ours, reference, waves(1, 3, height, width))

    @pytest.mark.slow
    def test_window_of_swin_l(self, official: Any) -> None:
        """At an eighth of its width."""
        config = SwinConfig(width=24, depths=(2, 2, 18, 2), heads=(1, 2, 3, 6), window=12)
        reference, ours = pair(config)
        assert_equal(ours, reference, waves(1, 3, 201, 333))


def pair(config: SwinConfig) -> tuple[Any, Swin]:
    """The official Swin with drawn weights, and ours with the same."""
    from maskrcnn_benchmark.modeling.backbone.swint import SwinTransformer

    assert config.levels == (1, 2, 3)
    reference: Any = drawn(
        SwinTransformer(
            embed_dim=config.width,
            depths=config.depths,
            num_heads=config.heads,
            window_size=config.window,
            drop_path_rate=config.drop_path,
        ),
        seed=3,
    )
    ours = Swin(config).eval()
    NAMING.copy(reference, ours)
    return reference, ours


@torch.no_grad()
def assert_equal(ours: Swin, reference: Any, pictures_B3HW: Tensor) -> None:
    # The official one also gives the finest stage, which GLIP's pyramid leaves out.
    theirs = reference(pictures_B3HW)[1:]
    for mine, expected in zip(ours(pictures_B3HW), theirs, strict=True):
        torch.testing.assert_close(mine, expected, atol=1e-5, rtol=0)
