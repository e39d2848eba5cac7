"""The module that stands in for the compiled `maskrcnn_benchmark._C`: every name that csrc/vision.cpp binds."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from glip_worker.engines.official.compat.ops import deform, deform_pool, focal, nms, roi

MODULE = "maskrcnn_benchmark._C"

OPERATORS: dict[str, Callable[..., Any]] = {
    "nms": nms.nms,
    "ml_nms": nms.ml_nms,
    "soft_nms": nms.soft_nms,
    "roi_align_forward": roi.roi_align_forward,
    "roi_align_backward": roi.roi_align_backward,
    "roi_pool_forward": roi.roi_pool_forward,
    "roi_pool_backward": roi.roi_pool_backward,
    "sigmoid_focalloss_forward": focal.sigmoid_focalloss_forward,
    "sigmoid_focalloss_backward": focal.sigmoid_focalloss_backward,
    "deform_conv_forward": deform.deform_conv_forward,
    "deform_conv_backward_input": deform.deform_conv_backward_input,
    "deform_conv_backward_parameters": deform.deform_conv_backward_parameters,
    "modulated_deform_conv_forward": deform.modulated_deform_conv_forward,
    "modulated_deform_conv_backward": deform.modulated_deform_conv_backward,
    "deform_psroi_pooling_forward": deform_pool.deform_psroi_pooling_forward,
    "deform_psroi_pooling_backward": deform_pool.deform_psroi_pooling_backward,
}


def build_extension() -> ModuleType:
    module = ModuleType(MODULE, "The official operators over torch and torchvision.")
    for name, operator in OPERATORS.items():
        setattr(module, name, operator)
    return module
