"""One block of the dynamic head (Dai et al., 2021): each level reads itself and its two neighbours.

A level's features become the mean of three deformable convolutions - of itself, of the finer level at stride 2, and of
the coarser one, enlarged - each normalised and weighed by a gate; a dynamic ReLU follows.

Normalisation, gates and dynamic ReLU are known from the means and variances of the convolutions' outputs, and all are
lines. They are multiplied together first, so that each output is passed over once.

Legend: B pictures, N positions of all levels, n of one, C channels, K = 9 kernel positions, G groups of channels,
S convolutions of levels.
"""

from __future__ import annotations

from functools import lru_cache
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
        # Under autocast the convolutions may come in half precision, in which means and variances are not computed.
        kind = torch.promote_types(table_RC.dtype, self.gate.weight.dtype)
        with torch.autocast(table_RC.device.type, enabled=False):
            return pyramid.replaced(self._combined([one.to(kind) for one in outputs], sizes))

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

    def _combined(self, outputs: list[Tensor], sizes: Sizes) -> Tensor:
        """[B, N, C]. `outputs`: of `same`, `finer` and `coarser`."""
        same_BNC, finer_BnC, coarser_BnC = outputs
        enlarged = [
            _enlarged(one, size, to)
            for one, size, to in zip(_levels(coarser_BnC, sizes[1:]), sizes[1:], sizes[:-1], strict=True)
        ]
        moments = [_moments(same_BNC, sizes), _moments(finer_BnC, sizes[1:]), _moments(coarser_BnC, sizes[1:])]
        norms = [one.norm for one in (self.same, self.finer, self.coarser)]
        scales_SBC, shifts_SBC = _normalisation(norms, moments)
        # The gate sees the coarser level enlarged, whose mean is another.
        shown_SBC = torch.cat(
            [moments[0].means_LBC, moments[1].means_LBC, torch.stack([one.mean(1) for one in enlarged])]
        )
        pooled_SBC = torch.addcmul(shifts_SBC, scales_SBC, shown_SBC)
        gates_SB1 = F.hardsigmoid(F.relu(F.linear(pooled_SBC, self.gate.weight.flatten(1), self.gate.bias)))

        share_LS, shares_S11 = _shares(len(sizes), gates_SB1.device, gates_SB1.dtype)
        added_LBC = torch.tensordot(share_LS, gates_SB1 * shifts_SBC, 1)
        lines = self.relu(torch.tensordot(share_LS, gates_SB1 * pooled_SBC, 1)).after(added_LBC)
        scales_SB1C = (gates_SB1 * scales_SBC * shares_S11).unsqueeze(2)

        coarsest, results = len(sizes) - 1, []
        same, finer = _levels(same_BNC, sizes), _levels(finer_BnC, sizes[1:])
        for level in range(len(sizes)):
            x_BnC = same[level] * scales_SB1C[level]
            if level > 0:
                x_BnC = torch.addcmul(x_BnC, finer[level - 1], scales_SB1C[coarsest + level])
            if level < coarsest:
                x_BnC = torch.addcmul(x_BnC, enlarged[level], scales_SB1C[2 * coarsest + 1 + level])
            results.append(larger(x_BnC, Lines(*(line[level] for line in lines))))
        return torch.cat(results, dim=1)


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


class _Moments(NamedTuple):
    """Of each channel over each level."""

    means_LBC: Tensor
    variances_LBC: Tensor


def _moments(read_BNC: Tensor, sizes: Sizes) -> _Moments:
    # As matrix products: sums along any side but the last take many times as long on a CPU.
    average_LN, level_NL = _membership(sizes, read_BNC.device, read_BNC.dtype)
    means_BLC = average_LN @ read_BNC
    step = PLACES if sliced(read_BNC) else read_BNC.shape[1]
    variances_BLC = torch.zeros_like(means_BLC)
    for some_BNC, some_NL, some_LN in zip(
        read_BNC.split(step, 1), level_NL.split(step), average_LN.split(step, 1), strict=True
    ):
        variances_BLC = variances_BLC + some_LN @ (some_BNC - some_NL @ means_BLC).square()
    return _Moments(means_BLC.transpose(0, 1), variances_BLC.transpose(0, 1))


def _normalisation(norms: list[nn.GroupNorm], moments: list[_Moments]) -> tuple[Tensor, Tensor]:
    """Group normalisation as a scale and a shift for each channel, [S, B, C]."""
    groups, epsilon = norms[0].num_groups, norms[0].eps
    means_SBGc = torch.cat([one.means_LBC for one in moments]).unflatten(-1, (groups, -1))
    variances_SBGc = torch.cat([one.variances_LBC for one in moments]).unflatten(-1, (groups, -1))
    means_SBG1 = means_SBGc.mean(-1, keepdim=True)
    within = (variances_SBGc + (means_SBGc - means_SBG1).square()).mean(-1, keepdim=True)
    counts = [len(one.means_LBC) for one in moments]
    weights_S1Gc, biases_S1Gc = (
        torch.cat([one.expand(count, -1) for one, count in zip(each, counts, strict=True)])
        .unflatten(-1, (groups, -1))
        .unsqueeze(1)
        for each in ([one.weight for one in norms], [one.bias for one in norms])
    )
    scales_SBGc = torch.rsqrt(within + epsilon) * weights_S1Gc
    return scales_SBGc.flatten(-2), (biases_S1Gc - means_SBG1 * scales_SBGc).flatten(-2)


def _levels(all_BNC: Tensor, sizes: Sizes) -> tuple[Tensor, ...]:
    levels: tuple[Tensor, ...] = all_BNC.split(lengths(sizes), dim=1)
    return levels


# Constants of a size, kept as in `deform`.
@lru_cache(maxsize=32)
@torch.inference_mode(False)
def _membership(sizes: Sizes, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """[L, N] that averages each level, and [N, L] that is 1 where a position is of a level."""
    level_NL = torch.block_diag(*(torch.ones(length, 1) for length in lengths(sizes)))
    average_LN = (level_NL / level_NL.sum(0)).t().contiguous()
    return average_LN.to(device, dtype), level_NL.to(device, dtype)


@lru_cache(maxsize=32)
@torch.inference_mode(False)
def _shares(levels: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """[L, S] that takes the mean of what is for a level, and [S, 1, 1]: the share of each in it."""
    whole = torch.eye(levels)
    of_LS = torch.cat([whole, whole[:, 1:], whole[:, :-1]], dim=1)
    mean_LS = of_LS / of_LS.sum(1, keepdim=True)
    return mean_LS.to(device, dtype), mean_LS.sum(0).view(-1, 1, 1).to(device, dtype)
