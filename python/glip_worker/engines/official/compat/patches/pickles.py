"""Files that hold pickles: tensors and plain containers are read, anything else is refused."""

from __future__ import annotations

import codecs
import collections
import importlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from glip_worker.engines.official.compat.errors import unsafe_checkpoint
from glip_worker.engines.official.compat.patching import Changes, Settings

#: NumPy's numbers and arrays, by the names under which old and new versions pickle them. Values, nothing callable.
_SCALAR = np.float64(0).__reduce__()[0]
_RECONSTRUCT = np.zeros(0).__reduce__()[0]
_DTYPE_CLASSES = [
    type(np.dtype(kind)) for kind in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")
]
SAFE_GLOBALS: list[Any] = [
    _SCALAR,
    (_SCALAR, "numpy.core.multiarray.scalar"),
    _RECONSTRUCT,
    (_RECONSTRUCT, "numpy.core.multiarray._reconstruct"),
    np.dtype,
    np.ndarray,
    *_DTYPE_CLASSES,
]


def safe_load(changes: Changes, settings: Settings) -> None:
    original: Any = torch.load

    def load(file: Any, *args: Any, **options: Any) -> Any:
        options.setdefault("weights_only", True)
        if not options["weights_only"]:
            return original(file, *args, **options)
        with torch.serialization.safe_globals(SAFE_GLOBALS):
            try:
                return original(file, *args, **options)
            except pickle.UnpicklingError as error:
                raise unsafe_checkpoint(file, str(error)) from error

    changes.set(torch, "load", load)


def caffe2_pickles(changes: Changes, settings: Settings) -> None:
    loading = importlib.import_module("maskrcnn_benchmark.utils.c2_model_loading")
    changes.set(loading, "_load_c2_pickled_weights", load_arrays)


def load_arrays(path: str | Path) -> Any:
    """The blobs of a Caffe2 file: a dict of arrays, or what it holds under "blobs"."""
    with open(path, "rb") as file:
        try:
            data = _ArrayUnpickler(file, encoding="latin1").load()
        except pickle.UnpicklingError as error:
            raise unsafe_checkpoint(path, str(error)) from error
    return data.get("blobs", data)


class _ArrayUnpickler(pickle.Unpickler):
    _ALLOWED: dict[tuple[str, str], Any] = {  # noqa: RUF012
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _RECONSTRUCT for core in ("core", "_core")},
        **{(f"numpy.{core}.multiarray", "scalar"): _SCALAR for core in ("core", "_core")},
        # How Python 3 writes bytes into the old protocols.
        ("_codecs", "encode"): codecs.encode,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("collections", "OrderedDict"): collections.OrderedDict,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None
