"""Swin transformer (Liu et al., 2021): attention inside windows, which every second block shifts by half a window.

Feature maps stay channels-last, (B, H, W, C), from the first layer to the last; what leaves is a view of one as
(B, C, H, W).

Shape suffixes: B pictures, H W rows and columns, C channels, K windows of a picture, N places of a window, A attention
heads, D channels of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from glipv2.ops.slices import in_slices
from glipv2.vision.windows import Grid, offsets_into_table, partition, reverse

PATCH = 4

#: Of a window attention's bias that is kept. Large pictures have larger ones, which take no part of their time to make.
KEPT_BYTES = 2**21


@dataclass(frozen=True)
class SwinConfig:
    """The defaults are Swin-T."""

    width: int = 96
    """Channels of the first stage; each further stage has twice as many."""
    depths: tuple[int, ...] = (2, 2, 6, 2)
    """Blocks of each stage."""
    heads: tuple[int, ...] = (3, 6, 12, 24)
    """Attention heads of each stage."""
    window: int = 7
    """Side of a window, in places of the stage's map."""
    mlp_ratio: float = 4.0
    """Channels inside a block's feed-forward network, as a multiple of its own."""
    drop_path: float = 0.2
    """Chance in training that a picture skips the last block's branches; it grows linearly from 0 at the first."""
    levels: tuple[int, ...] = (1, 2, 3)
    """Stages whose maps are returned, counted from 0."""
    frozen_stages: int = -1
    """1 freezes the patches, n > 1 also the first n - 1 stages; -1 freezes nothing."""
    checkpointing: bool = False
    """In training, recompute each block in the backward pass and so save its memory."""

    def __post_init__(self) -> None:
        if len(self.depths) != len(self.heads):
            raise ValueError(f"SwinConfig: depths {self.depths} and heads {self.heads} must be as many")
        for stage, heads in enumerate(self.heads):
            if self.channels(stage) % heads:
                raise ValueError(f"SwinConfig: {heads} heads do not divide {self.channels(stage)} channels ({stage=})")
        if not set(self.levels) <= set(range(len(self.depths))) or list(self.levels) != sorted(set(self.levels)):
            raise ValueError(f"SwinConfig: levels must ascend within 0 to {len(self.depths) - 1}, got {self.levels}")

    def channels(self, stage: int) -> int:
        """Channels of a stage's map."""
        return self.width << stage

    def stride(self, stage: int) -> int:
        """Pixels of the picture from one place of a stage's map to the next."""
        return PATCH << stage


class Swin(nn.Module):
    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.config = config
        self.patches = Patches(config.width)
        rates = torch.linspace(0, config.drop_path, sum(config.depths), device="cpu").tolist()
        self.stages = nn.ModuleList(
            Stage(config, stage, rates[sum(config.depths[:stage]) :]) for stage in range(len(config.depths))
        )
        self.mergings = nn.ModuleList(PatchMerging(config.channels(stage)) for stage in range(len(config.depths) - 1))
        self.norms = nn.ModuleDict({str(stage): nn.LayerNorm(config.channels(stage)) for stage in config.levels})
        self.apply(_initialise)
        self._freeze()

    def forward(self, pictures_B3HW: Tensor) -> list[Tensor]:
        """Normalised pictures of any size -> a map for each of `levels`, finest first: (B, C, H / stride, W / stride),
        sides rounded up, channels last in memory."""
        return self.with_detail(pictures_B3HW)[0]

    def with_detail(self, pictures_B3HW: Tensor) -> tuple[list[Tensor], Tensor]:
        """As `forward`, and the first stage's map as the second stage takes it, not normalised, whatever `levels`."""
        x_BHWC = self.patches(pictures_B3HW)
        maps, detail_BHWC = [], x_BHWC
        for stage in range(max(self.config.levels) + 1):
            x_BHWC = self.stages[stage](self.mergings[stage - 1](x_BHWC) if stage else x_BHWC)
            if stage == 0:
                detail_BHWC = x_BHWC
            if stage in self.config.levels:
                maps.append(self.norms[str(stage)](x_BHWC).permute(0, 3, 1, 2))
        return maps, detail_BHWC.permute(0, 3, 1, 2)

    def train(self, mode: bool = True) -> Swin:
        super().train(mode)
        self._freeze()
        return self

    def _freeze(self) -> None:
        frozen: list[nn.Module] = [self.patches] if self.config.frozen_stages >= 0 else []
        whole = max(0, self.config.frozen_stages - 1)
        frozen += [*self.stages[:whole], *self.mergings[:whole]]
        for module in frozen:
            module.eval()
            module.requires_grad_(False)


class Patches(nn.Module):
    """The picture as a grid of patches of 4 x 4 pixels, each one vector."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, channels, PATCH, PATCH)
        self.norm = nn.LayerNorm(channels)

    def forward(self, pictures_B3HW: Tensor) -> Tensor:
        """-> (B, H / 4, W / 4, C), sides rounded up: what is missing to whole patches is zero."""
        height, width = pictures_B3HW.shape[2:]
        padded = F.pad(pictures_B3HW, (0, -width % PATCH, 0, -height % PATCH))
        normed: Tensor = self.norm(self.projection(padded).permute(0, 2, 3, 1))
        return normed


class Stage(nn.Module):
    """Blocks at one resolution. `drop_paths`: the rate of each."""

    def __init__(self, config: SwinConfig, stage: int, drop_paths: list[float]) -> None:
        super().__init__()
        self.window = config.window
        self.checkpointing = config.checkpointing and stage > config.frozen_stages - 1
        channels = config.channels(stage)
        self.blocks = nn.ModuleList(
            Block(config, channels, config.heads[stage], drop_paths[block]) for block in range(config.depths[stage])
        )

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """-> (B, H, W, C)."""
        height, width = x_BHWC.shape[1:3]
        for number, block in enumerate(self.blocks):
            grid = Grid(height, width, self.window, shift=self.window // 2 if number % 2 else 0)
            if self.checkpointing and self.training:
                x_BHWC = checkpoint(block, x_BHWC, grid, use_reentrant=False)
            else:
                x_BHWC = block(x_BHWC, grid)
        return x_BHWC


class Block(nn.Module):
    """Window attention, then a feed-forward network; the input of each is normalised and its output added."""

    def __init__(self, config: SwinConfig, channels: int, heads: int, drop_path: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(channels)
        self.attention = WindowAttention(channels, heads, config.window)
        self.mlp_norm = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, int(channels * config.mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, x_BHWC: Tensor, grid: Grid) -> Tensor:
        """-> (B, H, W, C)."""
        windows_MNC = partition(self.attention_norm(x_BHWC), grid)
        x_BHWC = x_BHWC + self.drop_path(reverse(self.attention(windows_MNC, grid), grid))
        summed: Tensor = x_BHWC + self.drop_path(self.mlp(self.mlp_norm(x_BHWC)))
        return summed


class _Kept(NamedTuple):
    of: tuple[Grid, int, int]
    """Windows, and the table as it was."""
    bias: Tensor


class WindowAttention(nn.Module):
    """Multi-head self-attention inside each window, with a learned bias for each offset from one place to another."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self._kept: _Kept | None = None
        self.bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.bias_table, std=0.02)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, windows_MNC: Tensor, grid: Grid) -> Tensor:
        """M = B x K windows, those of one picture together -> (M, N, C)."""
        bias = self._bias(grid)
        return in_slices(lambda some_MNC: self._attend(some_MNC, bias), windows_MNC, size=grid.windows)

    def _attend(self, windows_MNC: Tensor, bias: Tensor) -> Tensor:
        qkv_MN3AD = self.qkv(windows_MNC).unflatten(-1, (3, self.heads, -1))
        query_MAND, key_MAND, value_MAND = qkv_MN3AD.permute(2, 0, 3, 1, 4)
        pictures = len(windows_MNC) // len(bias)
        if len(bias) > 1 and pictures > 1:
            bias = bias.repeat(pictures, 1, 1, 1)
        mixed_MAND = F.scaled_dot_product_attention(query_MAND, key_MAND, value_MAND, bias)
        mixed_MNC: Tensor = self.output(mixed_MAND.transpose(1, 2).flatten(2))
        return mixed_MNC

    def _bias(self, grid: Grid) -> Tensor:
        """(1 or K, A, N, N), to be added to the scaled scores; kept for the next picture if weights do not change."""
        table = self.bias_table
        if table.requires_grad or table.is_inference():
            return self._made_bias(grid)
        of = (grid, table.data_ptr(), table._version)
        if self._kept is not None and self._kept.of == of:
            return self._kept.bias
        bias = self._made_bias(grid)
        self._kept = _Kept(of, bias) if bias.nbytes <= KEPT_BYTES else None
        return bias

    def _made_bias(self, grid: Grid) -> Tensor:
        offsets_NN = offsets_into_table(self.window, self.bias_table.device)
        bias_1ANN = self.bias_table[offsets_NN].permute(2, 0, 1)[None]
        if grid.shift == 0:
            return bias_1ANN
        return bias_1ANN + grid.mask_KNN(bias_1ANN.device, bias_1ANN.dtype)[:, None]


class Mlp(nn.Module):
    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(channels, hidden)
        self.reduce = nn.Linear(hidden, channels)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """-> (B, H, W, C)."""
        rows = x_BHWC.flatten(0, 2)
        return in_slices(lambda some: self.reduce(F.gelu(self.expand(some))), rows).view(x_BHWC.shape)


class PatchMerging(nn.Module):
    """Half the resolution, twice the channels: each square of 2 x 2 places becomes one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """-> (B, H / 2, W / 2, 2 C), sides rounded up: an odd side is padded by zeros."""
        batch, height, width, channels = x_BHWC.shape
        if height % 2 or width % 2:
            x_BHWC = F.pad(x_BHWC, (0, 0, 0, width % 2, 0, height % 2))
        squares = x_BHWC.view(batch, (height + 1) // 2, 2, (width + 1) // 2, 2, channels)
        # Of a square: the upper left, lower left, upper right and lower right place, in this order.
        merged: Tensor = self.reduction(self.norm(squares.permute(0, 1, 3, 4, 2, 5).flatten(3)))
        return merged


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., 2016): in training, a branch is left out for some pictures of the batch."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """What remains is scaled up, so that the mean stays."""
        if self.rate == 0 or not self.training:
            return x_BHWC
        kept_B111 = x_BHWC.new_empty(len(x_BHWC), 1, 1, 1).bernoulli_(1 - self.rate)
        return x_BHWC * kept_B111.div_(1 - self.rate)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
