"""Feature pyramid network (Lin et al., 2017) with the two coarse levels of RetinaNet on top.

Shape suffixes: B pictures, C channels, H W rows and columns of a level.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class FpnConfig:
    channels: int = 256
    """Channels of every level."""
    norm_groups: int | None = None
    """Groups of a group normalisation after each convolution that merges levels; None: no normalisation."""
    relu: bool = False
    """Whether a ReLU follows each of them."""
    drop_block: float = 0.3
    """In training, the share of a level (all but the coarsest) that is dropped, in squares; 0 drops nothing."""
    drop_block_size: int = 3
    """Side of such a square."""


class FPN(nn.Module):
    """`channels`: of each map that will come, finest first."""

    def __init__(self, channels: tuple[int, ...], config: FpnConfig) -> None:
        super().__init__()
        self.config = config
        self.lateral = nn.ModuleList(_convolution(one, config, kernel=1) for one in channels)
        self.output = nn.ModuleList(_convolution(config.channels, config, kernel=3) for _ in channels)
        self.p6 = nn.Conv2d(config.channels, config.channels, 3, 2, 1)
        self.p7 = nn.Conv2d(config.channels, config.channels, 3, 2, 1)
        self.drop_block = DropBlock(config.drop_block, config.drop_block_size)
        self.apply(_initialise)

    def forward(self, maps_BCHW: list[Tensor]) -> list[Tensor]:
        """Swin's maps, finest first -> as many levels of `config.channels`, then P6 and P7 at half the size each time
        (rounded up)."""
        top_down = self.lateral[-1](maps_BCHW[-1])
        levels = [self.output[-1](top_down)]
        for level in reversed(range(len(maps_BCHW) - 1)):
            side = self.lateral[level](maps_BCHW[level])
            top_down = side + F.interpolate(top_down, size=side.shape[-2:], mode="nearest")
            levels.insert(0, self.output[level](self.drop_block(top_down)))
        p6 = self.p6(levels[-1])
        return [*levels, p6, self.p7(F.relu(p6))]


class DropBlock(nn.Module):
    """DropBlock (Ghiasi et al., 2018): in training, squares of the map are zero in all channels."""

    def __init__(self, rate: float, size: int) -> None:
        super().__init__()
        self.rate, self.size = rate, size

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """What remains is scaled up, so that the mean stays."""
        if self.rate == 0 or not self.training:
            return x_BCHW
        batch, _, height, width = x_BCHW.shape
        centres_B1HW = torch.rand(batch, 1, height, width, device=x_BCHW.device) < self.rate / self.size**2
        dropped_B1HW = F.max_pool2d(centres_B1HW.to(x_BCHW.dtype), self.size, stride=1, padding=self.size // 2)
        # An even square has no centre: pooling then gives a row and a column too many.
        kept_B1HW = 1 - dropped_B1HW[:, :, :height, :width]
        # A level of a single place may be dropped as a whole, and there is nothing left to scale.
        return x_BCHW * kept_B1HW * (kept_B1HW.numel() / kept_B1HW.sum().clamp_min(1))


def _convolution(channels: int, config: FpnConfig, kernel: int) -> nn.Module:
    convolution = nn.Conv2d(channels, config.channels, kernel, padding=kernel // 2, bias=config.norm_groups is None)
    following: list[nn.Module] = []
    if config.norm_groups is not None:
        following.append(nn.GroupNorm(config.norm_groups, config.channels))
    if config.relu:
        following.append(nn.ReLU(inplace=True))
    return nn.Sequential(convolution, *following) if following else convolution


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, a=1)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
