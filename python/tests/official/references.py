"""The official kernels written out slowly, one number at a time, to compare the operators with."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union with the legacy "+ 1" sides."""
    width = max(min(a[2], b[2]) - max(a[0], b[0]) + 1, 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]) + 1, 0)
    shared = width * height
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return shared / (sum(areas) - shared)


def ml_nms(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> list[int]:
    kept: list[int] = []
    rows = boxes.tolist()
    for i in scores.argsort(descending=True, stable=True).tolist():
        if all(labels[i] != labels[j] or overlap(rows[i], rows[j]) <= threshold for j in kept):
            kept.append(i)
    return sorted(kept)


def soft_nms(boxes: Tensor, scores: Tensor, threshold: float, sigma: float) -> tuple[list[int], list[float]]:
    rows, left = boxes.tolist(), dict(enumerate(scores.tolist()))
    indices, kept = [], []
    while left:
        best = max(left, key=lambda i: left[i])
        indices.append(best)
        kept.append(left.pop(best))
        for i in list(left):
            left[i] *= math.exp(-(overlap(rows[best], rows[i]) ** 2) / sigma)
            if left[i] < threshold:
                del left[i]
    return indices, kept


def bilinear(plane: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """`plane` [C, H, W] at one point, zero outside; differentiable in all three."""
    height, width = plane.shape[1:]
    top, left = math.floor(y.item()), math.floor(x.item())
    value = plane.new_zeros(plane.shape[0])
    for row, share_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, share_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            if 0 <= row < height and 0 <= column < width:
                value = value + share_y * share_x * plane[:, row, column]
    return value


def deform_conv(
    input: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    offset_groups: int = 1,
) -> Tensor:
    """Reads each picture's offsets and mask as one flat buffer laid out for the output's size, as the kernel does."""
    batch, channels, height, width = input.shape
    outputs, _, kernel_h, kernel_w = weight.shape
    rows = (height + 2 * padding[0] - dilation[0] * (kernel_h - 1) - 1) // stride[0] + 1
    columns = (width + 2 * padding[1] - dilation[1] * (kernel_w - 1) - 1) // stride[1] + 1
    kernel, per_group = kernel_h * kernel_w, channels // offset_groups
    pictures = []
    for b in range(batch):
        offsets, masks = offset[b].reshape(-1), None if mask is None else mask[b].reshape(-1)
        cells = []
        for p in range(rows):
            for q in range(columns):
                at = p * columns + q
                read = []
                for g in range(offset_groups):
                    for k in range(kernel):
                        base = g * kernel + k
                        dy = offsets[(2 * base) * rows * columns + at]
                        dx = offsets[(2 * base + 1) * rows * columns + at]
                        y = p * stride[0] - padding[0] + (k // kernel_w) * dilation[0] + dy
                        x = q * stride[1] - padding[1] + (k % kernel_w) * dilation[1] + dx
                        plane = input[b, g * per_group : (g + 1) * per_group]
                        inside = y > -1 and x > -1 and y < height and x < width
                        value = bilinear(plane, y, x) if inside else plane.new_zeros(per_group)
                        read.append(value if masks is None else value * masks[base * rows * columns + at])
                columns_CK = (
                    torch.stack(read).view(offset_groups, kernel, per_group).transpose(1, 2).reshape(channels, kernel)
                )
                cells.append(_grouped(columns_CK, weight, groups))
        pictures.append(torch.stack(cells, dim=1).view(outputs, rows, columns))
    result = torch.stack(pictures)
    return result if bias is None else result + bias.view(1, -1, 1, 1)


def _grouped(columns_CK: Tensor, weight: Tensor, groups: int) -> Tensor:
    parts = zip(columns_CK.chunk(groups), weight.flatten(2).chunk(groups), strict=True)
    return torch.cat([(filters * columns).sum(dim=(1, 2)) for columns, filters in parts])


def roi_align(input: Tensor, rois: Tensor, scale: float, height: int, width: int, samples: int) -> Tensor:
    """A point on the edge (up to one pixel outside) is moved onto it; further out it counts as zero."""
    result = []
    for roi in rois:
        plane = input[int(roi[0])]
        x1, y1, x2, y2 = (float(value) * scale for value in roi[1:])
        cell_w, cell_h = max(x2 - x1, 1.0) / width, max(y2 - y1, 1.0) / height
        for p in range(height):
            for q in range(width):
                total = plane.new_zeros(plane.shape[0])
                for i in range(samples):
                    for j in range(samples):
                        y, x = y1 + (p + (i + 0.5) / samples) * cell_h, x1 + (q + (j + 0.5) / samples) * cell_w
                        if -1 <= y <= plane.shape[1] and -1 <= x <= plane.shape[2]:
                            y, x = min(max(y, 0), plane.shape[1] - 1), min(max(x, 0), plane.shape[2] - 1)
                            total = total + bilinear(
                                plane, torch.tensor(y, dtype=plane.dtype), torch.tensor(x, dtype=plane.dtype)
                            )
                result.append(total / samples**2)
    return torch.stack(result).view(len(rois), height, width, -1).permute(0, 3, 1, 2)


def roi_pool(input: Tensor, rois: Tensor, scale: float, height: int, width: int) -> Tensor:
    def nearest(value: float) -> int:  # halves away from zero, as C rounds
        return math.floor(abs(value * scale) + 0.5) * (1 if value > 0 else -1)

    result = []
    for roi in rois:
        plane = input[int(roi[0])]
        x1, y1, x2, y2 = (nearest(float(value)) for value in roi[1:])
        cell_h, cell_w = max(y2 - y1 + 1, 1) / height, max(x2 - x1 + 1, 1) / width
        for p in range(height):
            for q in range(width):
                rows = [
                    min(max(v + y1, 0), plane.shape[1]) for v in (math.floor(p * cell_h), math.ceil((p + 1) * cell_h))
                ]
                columns = [
                    min(max(v + x1, 0), plane.shape[2]) for v in (math.floor(q * cell_w), math.ceil((q + 1) * cell_w))
                ]
                part = plane[:, rows[0] : rows[1], columns[0] : columns[1]].flatten(1)
                result.append(part.amax(dim=1) if part.shape[1] else plane.new_zeros(plane.shape[0]))
    return torch.stack(result).view(len(rois), height, width, -1).permute(0, 3, 1, 2)


def focal_loss(logits: Tensor, targets: Tensor, gamma: float, alpha: float) -> Tensor:
    p = logits.sigmoid()
    rows = []
    for n, target in enumerate(targets.tolist()):
        losses = []
        for c in range(logits.shape[1]):
            if target == c + 1:
                losses.append(-alpha * (1 - p[n, c]) ** gamma * torch.log(p[n, c]))
            elif target >= 0:
                losses.append(-(1 - alpha) * p[n, c] ** gamma * torch.log(1 - p[n, c]))
            else:
                losses.append(p[n, c] * 0)
        rows.append(torch.stack(losses))
    return torch.stack(rows)


def psroi(
    input: Tensor, rois: Tensor, trans: Tensor | None, scale: float, outputs: int, group: int, pooled: int, part: int,
    samples: int, std: float,
) -> Tensor:  # fmt: skip
    """Deformable position-sensitive pooling."""
    height, width = input.shape[2:]
    cells = []
    for n, roi in enumerate(rois.tolist()):
        start_x, start_y = (math.floor(v + 0.5) * scale - 0.5 for v in roi[1:3])
        end_x, end_y = ((math.floor(v + 0.5) + 1) * scale - 0.5 for v in roi[3:5])
        side_x, side_y = max(end_x - start_x, 0.1), max(end_y - start_y, 0.1)
        for d in range(outputs):
            for p in range(pooled):
                for q in range(pooled):
                    x0, y0 = (
                        torch.tensor(v, dtype=input.dtype)
                        for v in (start_x + q * side_x / pooled, start_y + p * side_y / pooled)
                    )
                    if trans is not None:
                        c = d // (outputs // (trans.shape[1] // 2))
                        row, column = p * part // pooled, q * part // pooled
                        x0 = x0 + trans[n, 2 * c, row, column] * std * side_x
                        y0 = y0 + trans[n, 2 * c + 1, row, column] * std * side_y
                    g_y, g_x = p * group // pooled, q * group // pooled
                    plane = input[int(roi[0]), (d * group + g_y) * group + g_x].unsqueeze(0)
                    total, count = plane.new_zeros(1), 0
                    for i in range(samples):
                        for j in range(samples):
                            x, y = x0 + j * side_x / pooled / samples, y0 + i * side_y / pooled / samples
                            if -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5:
                                total = total + bilinear(plane, y.clamp(0, height - 1), x.clamp(0, width - 1))
                                count += 1
                    cells.append(total / max(count, 1))
    return torch.cat(cells).view(len(rois), outputs, pooled, pooled)
