"""One block of the dynamic head (Dai et al., 2021): each level reads itself and its two neighbours.

A level's features become the mean of three deformable convolutions - of itself, of the finer level at stride 2, and of
the coarser one, enlarged - each normalised and weighed by a gate; a dynamic ReLU follows.

Normalisation, gates and dynamic ReLU are known from the means and variances of the convolutions' outputs, and all are
lines. They are multiplied together first, so that each output is passed over once.

Legend: B pictures, N positions of all levels, n of one, C channels, K = 9 kernel positions, G groups of channels,
S convolutions of levels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glipv2.head.deform import KERNEL, SIDE, Reading, Source, convolve, geometry, output_size, reading
from glipv2.head.dyrelu import DyReLU, Lines, larger
from glipv2.ops.slices import sliced
from glipv2.pyramid import Pyramid, Sizes, lengths

#: Places at a time where the work is cut into slices.
PLACES = 1024


class Convolution(nn.Module):
    """What a deformable convolution learns, and the normalisation after it."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, SIDE, SIDE))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.norm = nn.GroupNorm(groups, channels)
        bound = self.weight[0].numel() ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)


class DyConv(nn.Module):
    def __init__(self, channels: int, groups: int) -> None:
        """`groups`: of the group normalisations."""
        super().__init__()
        self.coarser = Convolution(channels, groups)
        self.same = Convolution(channels, groups)
        self.finer = Convolution(channels, groups)
        self.offsets = nn.Conv2d(channels, 3 * KERNEL, SIDE, padding=1)
        self.gate = nn.Conv2d(channels, 1, 1)
        self.relu = DyReLU(channels)
        nn.init.normal_(self.gate.weight, std=0.01)
        assert self.gate.bias is not None
        nn.init.zeros_(self.gate.bias)

    def forward(self, pyramid: Pyramid) -> Pyramid:
        """-> the same sizes and channels."""
        sizes = pyramid.sizes
        first, total = lengths(sizes)[0], sum(lengths(sizes))
        read = self._reading(pyramid)
        table_RC = pyramid.features_BNC.flatten(0, 1)
        parts = read.split((total, total - first, total - first))
        outputs = [
            convolve(table_RC, part, one.weight, one.bias)
            for part, one in zip(parts, (self.same, self.finer, self.coarser), strict=True)
        ]
        summands = _summands(outputs, sizes)
        return pyramid.replaced(self._combined(summands, len(sizes)))

    def _reading(self, pyramid: Pyramid) -> Reading:
        """Of all outputs: `same` for every level, `finer` for all but the first, `coarser` for all but the last."""
        sizes, levels = pyramid.sizes, range(1, len(pyramid.sizes))
        fields = [self.offsets(one) for one in pyramid.maps()]
        own_BN27 = torch.cat([one.flatten(2).transpose(1, 2) for one in fields], dim=1)
        later_BN27 = own_BN27[:, lengths(sizes)[0] :]
        borrowed = [_borrowed(fields[level - 1], output_size(sizes[level], 1)) for level in levels]
        all_BM27 = torch.cat([own_BN27, later_BN27, *borrowed], dim=1)
        sources = [
            *(Source(level, 1) for level in range(len(sizes))),
            *(Source(level - 1, 2) for level in levels),
            *(Source(level, 1) for level in levels),
        ]
        at = geometry(sizes, tuple(sources), all_BM27.device)
        offsets_BMK2 = all_BM27[..., : 2 * KERNEL].unflatten(-1, (KERNEL, 2))
        return reading(offsets_BMK2, all_BM27[..., 2 * KERNEL :].sigmoid(), at, own_BN27.shape[1])

    def _combined(self, summands: list[Summand], levels: int) -> Tensor:
        convolutions = (self.same, self.finer, self.coarser)
        norms = [convolutions[one.convolution].norm for one in summands]
        moments_S2BC = torch.stack([_moments(one.read_BnC) for one in summands])
        means_SBC, variances_SBC = moments_S2BC.unbind(1)
        scales_SBC, shifts_SBC = _normalisation(norms, means_SBC, variances_SBC)
        shown = [
            mean if one.enlarged is None else one.enlarged.mean(1)
            for one, mean in zip(summands, means_SBC, strict=True)
        ]
        pooled_SBC = torch.addcmul(shifts_SBC, scales_SBC, torch.stack(shown))
        gates_SB1 = F.hardsigmoid(F.relu(F.linear(pooled_SBC, self.gate.weight.flatten(1), self.gate.bias)))

        of_level = [[i for i, one in enumerate(summands) if one.level == level] for level in range(levels)]
        counts = [len(of_level[one.level]) for one in summands]
        gates_SB1 = gates_SB1 / gates_SB1.new_tensor(counts).view(-1, 1, 1)
        scales_SBC, shifts_SBC, pooled_SBC = (gates_SB1 * one for one in (scales_SBC, shifts_SBC, pooled_SBC))
        added_LBC = torch.stack([shifts_SBC[some].sum(0) for some in of_level])
        lines_LBC = self.relu(torch.stack([pooled_SBC[some].sum(0) for some in of_level]))
        lines_LBC = Lines(
            lines_LBC.slope_1,
            torch.addcmul(lines_LBC.shift_1, lines_LBC.slope_1, added_LBC),
            lines_LBC.slope_2,
            torch.addcmul(lines_LBC.shift_2, lines_LBC.slope_2, added_LBC),
        )
        results = []
        for level, some in enumerate(of_level):
            x_BnC = summands[some[0]].shown_BnC * scales_SBC[some[0], :, None]
            for one in some[1:]:
                x_BnC = torch.addcmul(x_BnC, summands[one].shown_BnC, scales_SBC[one, :, None])
            results.append(larger(x_BnC, Lines(*(line[level] for line in lines_LBC))))
        return torch.cat(results, dim=1)


class Summand(NamedTuple):
    """What one convolution gave one level."""

    level: int
    """That it is for."""

    convolution: int
    """0 same, 1 finer, 2 coarser."""

    read_BnC: Tensor
    """As convolved: what the normalisation counts."""

    enlarged: Tensor | None
    """In the size of the level, where that differs: what the gate sees."""

    @property
    def shown_BnC(self) -> Tensor:
        return self.read_BnC if self.enlarged is None else self.enlarged


def _summands(outputs: list[Tensor], sizes: Sizes) -> list[Summand]:
    counts = lengths(sizes)
    same = outputs[0].split(counts, dim=1)
    finer = outputs[1].split(counts[1:], dim=1)
    coarser = outputs[2].split(counts[1:], dim=1)
    return [
        *(Summand(level, 0, one, None) for level, one in enumerate(same)),
        *(Summand(level, 1, one, None) for level, one in enumerate(finer, 1)),
        *(Summand(level, 2, one, _enlarged(one, sizes[level + 1], sizes[level])) for level, one in enumerate(coarser)),
    ]


def _borrowed(field_B27HW: Tensor, size: tuple[int, int]) -> Tensor:
    """A level's offsets and mask as the convolution of the next coarser level, of this `size`, reads them: [B, n, 27].

    The coarser level has fewer places. The operator that the released weights were trained with does not pick some of
    the values, it takes the first ones in memory, whatever channel and place they were made for.
    """
    places = size[0] * size[1]
    parts = field_B27HW.split((2 * KERNEL, KERNEL), dim=1)
    read = [one.flatten(1)[:, : places * one.shape[1]].unflatten(1, (one.shape[1], places)) for one in parts]
    return torch.cat(read, dim=1).transpose(1, 2)


def _enlarged(read_BnC: Tensor, size: tuple[int, int], to: tuple[int, int]) -> Tensor:
    map_BCHW = read_BnC.unflatten(1, size).permute(0, 3, 1, 2)
    return F.interpolate(map_BCHW, to, mode="bilinear", align_corners=True).flatten(2).transpose(1, 2)


def _moments(read_BnC: Tensor) -> Tensor:
    """[2, B, C]: mean and variance of each channel."""
    # torch.var_mean along a side that is not the last one takes ten times as long on a CPU.
    means_BC = read_BnC.mean(1)
    parts = read_BnC.split(PLACES, dim=1) if sliced(read_BnC) else (read_BnC,)
    squares = [(part - means_BC[:, None]).square().sum(1) for part in parts]
    return torch.stack([means_BC, torch.stack(squares).sum(0) / read_BnC.shape[1]])


def _normalisation(norms: list[nn.GroupNorm], means_SBC: Tensor, variances_SBC: Tensor) -> tuple[Tensor, Tensor]:
    """Group normalisation as a scale and a shift for each channel."""
    groups, epsilon = norms[0].num_groups, norms[0].eps
    means_SBGc = means_SBC.unflatten(-1, (groups, -1))
    means_SBG1 = means_SBGc.mean(-1, keepdim=True)
    within = variances_SBC.unflatten(-1, (groups, -1)) + (means_SBGc - means_SBG1).square()
    per_group = torch.rsqrt(within.mean(-1, keepdim=True) + epsilon)
    weights_S1C, biases_S1C = (
        torch.stack([getattr(one, name) for one in norms])[:, None] for name in ("weight", "bias")
    )
    scales_SBC = per_group.expand_as(means_SBGc).flatten(-2) * weights_S1C
    return scales_SBC, biases_S1C - means_SBG1.expand_as(means_SBGc).flatten(-2) * scales_SBC
