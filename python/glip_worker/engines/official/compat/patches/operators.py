"""The compiled extension, and the functions of layers/deform_conv.py that refuse the CPU."""

from __future__ import annotations

import importlib

from glip_worker.engines.official.compat import extension as stand_in
from glip_worker.engines.official.compat.ops.deform import deform_conv, modulated_deform_conv
from glip_worker.engines.official.compat.patching import Changes, Settings


def extension(changes: Changes, settings: Settings) -> None:
    changes.module(stand_in.MODULE, stand_in.build_extension())


def deform_functions(changes: Changes, settings: Settings) -> None:
    layers = importlib.import_module("maskrcnn_benchmark.layers.deform_conv")
    changes.set(layers, "deform_conv", deform_conv)
    changes.set(layers, "modulated_deform_conv", modulated_deform_conv)
