"""Masks: which pixels are those of a region's object.

By dynamic filters, the field's standard way (YOLACT, Bolya et al., 2019; CondInst, Tian et al., 2020), which is not the
hourglass head of GLIPv2's paper: each fused region makes the weights of a tiny network, which looks at the features of
pixels that all regions of a picture share. What a mask is of is what its region is: there is no classifier here.

Legend: B pictures, P regions of one, C channels of a region, D of the backbone's first stage, E of a pixel; H W rows
and columns of pixel features, N all of them; K weights of a region's network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glipv2.pyramid import Pyramid

#: Pixels of what the network sees from one place of the pixel features to the next.
STRIDE = 4


@dataclass(frozen=True)
class MaskConfig:
    width: int = 64
    """Channels in which the pixel features are worked out ..."""
    channels: int = 8
    """... and those that are left of them; the regions' networks have as many."""
    norm_groups: int = 16
    """Groups of the group normalisations; they divide `width`."""

    def __post_init__(self) -> None:
        for name in ("width", "channels", "norm_groups"):
            if getattr(self, name) < 1:
                raise ValueError(f"MaskConfig: {name} must be at least 1, got {getattr(self, name)}")
        if self.width % self.norm_groups:
            raise ValueError(
                f"MaskConfig: norm_groups must divide width, got {self.norm_groups} groups and {self.width} channels"
            )


class MaskHead(nn.Module):
    def __init__(self, config: MaskConfig, channels: int, detail_channels: int) -> None:
        """`channels`: of the pyramid; `detail_channels`: of the backbone's first stage."""
        super().__init__()
        width, groups = config.width, config.norm_groups
        self.coarse = nn.Conv2d(channels, width, 3, padding=1)
        self.detail_norm = nn.LayerNorm(detail_channels)
        self.detail = nn.Linear(detail_channels, width)
        self.tower = nn.Sequential(
            *_normed(groups, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            *_normed(groups, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            *_normed(groups, width),
            nn.Conv2d(width, config.channels, 1),
        )
        self.region_norm = nn.LayerNorm(channels)
        self.hidden = nn.Linear(channels, channels)
        self.filters = nn.Linear(channels, sum(_sizes(config.channels)))

    def forward(self, fused: Pyramid) -> Tensor:
        """pixels_BEHW, at stride 4: of the finest level as fusion left it, and of the detail of its picture, which may
        be one for all."""
        assert fused.detail_BDHW is not None
        detail_BHWD = fused.detail_BDHW.permute(0, 2, 3, 1)
        detail = self.detail(self.detail_norm(detail_BHWD)).permute(0, 3, 1, 2)
        coarse = F.interpolate(self.coarse(fused.maps()[0]), size=detail.shape[-2:], mode="bilinear")
        pixels_BEHW: Tensor = self.tower(coarse + detail)
        return pixels_BEHW

    def weights(self, regions_PC: Tensor) -> Tensor:
        """weights_PK of the regions' networks, for `mask_logits`."""
        weights_PK: Tensor = self.filters(F.relu(self.hidden(self.region_norm(regions_PC))))
        return weights_PK


def mask_logits(pixels_EHW: Tensor, weights_PK: Tensor, anchors_P4: Tensor) -> Tensor:
    """logits_PHW, float32 under autocast too, of regions of one picture: above 0 where a pixel is the object's.

    A region's network has two hidden layers, and is told where a pixel lies as seen from the region's anchor, whose
    edges are -1 and 1.
    """
    with torch.autocast(pixels_EHW.device.type, enabled=False):
        return _logits(pixels_EHW.float(), weights_PK.float(), anchors_P4.float())


def _logits(pixels_EHW: Tensor, weights_PK: Tensor, anchors_P4: Tensor) -> Tensor:
    channels, height, width = pixels_EHW.shape
    first, across, down, shift, second, second_shift, last, last_shift = weights_PK.split(_sizes(channels), dim=1)
    x_PW, y_PH = _seen_from(anchors_P4[:, 0::2], width), _seen_from(anchors_P4[:, 1::2], height)
    # One matrix product for all regions; where a pixel lies adds the same to a whole column, or row.
    of_pixels = (first.reshape(-1, channels) @ pixels_EHW.flatten(1)).view(-1, channels, height, width)
    of_places = (across[..., None] * x_PW[:, None])[:, :, None] + (down[..., None] * y_PH[:, None])[..., None]
    hidden_PEHW = F.relu(of_pixels + of_places + shift[..., None, None])
    hidden_PEN = hidden_PEHW.flatten(2)
    hidden_PEN = F.relu(torch.baddbmm(second_shift[..., None], second.view(-1, channels, channels), hidden_PEN))
    logits_P1N = torch.baddbmm(last_shift[..., None], last[:, None], hidden_PEN)
    return logits_P1N.view(-1, height, width)


def _seen_from(edges_P2: Tensor, length: int) -> Tensor:
    """Along one axis, the centres of `length` places relative to the anchors: [P, length]."""
    # A place's centre is that of its pixels, of which the first one's is 0.
    centres = torch.arange(length, dtype=torch.float32, device=edges_P2.device) * STRIDE + (STRIDE - 1) / 2
    middle_P1 = edges_P2.mean(dim=1, keepdim=True)
    half_P1 = (edges_P2[:, 1:] - edges_P2[:, :1] + 1) / 2
    return (centres - middle_P1) / half_P1


def _sizes(channels: int) -> list[int]:
    """Of the layers' weights, and of what is added: pixels, x, y and shift; second layer; logit."""
    return [channels**2, channels, channels, channels, channels**2, channels, channels, 1]


def _normed(groups: int, channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.GroupNorm(groups, channels), nn.ReLU(inplace=True)
