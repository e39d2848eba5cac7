"""The tensor of the wire (docs/protocol.md, "Tensors"): a dtype, a shape and C-contiguous little-endian bytes."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from glip_worker.errors import invalid_message

if TYPE_CHECKING:
    import numpy
    import torch

#: Bytes of one element. The keys are all the dtypes that there are.
ELEMENT_BYTES: dict[str, int] = {
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "bool": 1,
}

#: No tensor is larger than this, so that sizes fit what every language counts with.
MAX_TENSOR_BYTES = 2**53 - 1

#: numpy and torch stop here too; more is a broken message.
MAX_RANK = 64


class Tensor:
    """An n-dimensional array on the wire; `numpy()` and `torch()` are views of the same memory wherever they can be.

    A tensor that a method received may live in the client's memory: it is valid until the method returns, and is
    not to be changed in place. Clone what should stay or change.
    """

    __slots__ = ("buffer", "dtype", "shape")

    def __init__(self, dtype: str, shape: Sequence[int], buffer: memoryview) -> None:
        """`buffer`: flat bytes, exactly as long as dtype and shape say (ValueError otherwise)."""
        expected = tensor_bytes(dtype, shape)
        if buffer.ndim != 1 or buffer.itemsize != 1 or not buffer.c_contiguous or buffer.nbytes != expected:
            raise ValueError(f"a {dtype} tensor of shape {list(shape)} has {expected} bytes, got {buffer.nbytes}")
        self.dtype = dtype
        self.shape = tuple(shape)
        self.buffer = buffer

    @staticmethod
    def of(array: Any) -> Tensor:
        """From a numpy array, a torch tensor (any device) or numbers; copies only what is not contiguous here.

        The memory must not change until the client has answered for it: the bytes are sent without a copy.
        """
        module = type(array).__module__.partition(".")[0]
        if isinstance(array, Tensor):
            return array
        if module == "torch" or hasattr(array, "untyped_storage"):
            return _of_torch(array)
        import numpy

        return _of_numpy(numpy.asarray(array))

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def bytes(self) -> int:
        return self.buffer.nbytes

    def numpy(self) -> numpy.ndarray[Any, Any]:
        """A numpy view. `bfloat16`, which numpy does not have, comes as the uint16 patterns."""
        import numpy

        flat = numpy.frombuffer(self.buffer, "<u2" if self.dtype == "bfloat16" else _numpy_dtype(self.dtype))
        if not flat.flags.aligned:
            flat = flat.copy()
        if self.dtype == "bool" and flat.size and flat.view("u1").max() > 1:
            raise invalid_message("an element of a bool tensor is neither 0 nor 1")
        return flat.reshape(self.shape)

    def torch(self) -> torch.Tensor:
        """A CPU torch tensor on the same memory."""
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype)
        if self.buffer.nbytes == 0:
            return torch.empty(self.shape, dtype=dtype)
        array = self.numpy()
        flat = torch.frombuffer(_writable_alias(array), dtype=dtype)
        return flat.reshape(self.shape)

    def __repr__(self) -> str:
        return f"Tensor({self.dtype} {list(self.shape)})"


def tensor_bytes(dtype: str, shape: Sequence[int]) -> int:
    """Byte length of a tensor. ValueError for an unknown dtype, a negative length, or more than can be counted."""
    if dtype not in ELEMENT_BYTES:
        raise ValueError(f"unknown dtype {dtype!r}; known are {', '.join(ELEMENT_BYTES)}")
    if len(shape) > MAX_RANK:
        raise ValueError(f"a shape has at most {MAX_RANK} axes, got {len(shape)}")
    if any(length < 0 or length > MAX_TENSOR_BYTES for length in shape):
        raise ValueError(f"a shape is made of integers from 0 to 2^53-1, got {list(shape)}")
    size = math.prod(shape) * ELEMENT_BYTES[dtype]
    if size > MAX_TENSOR_BYTES:
        raise ValueError(f"a {dtype} tensor of shape {list(shape)} is larger than 2^53-1 bytes")
    return size


def _numpy_dtype(dtype: str) -> str:
    kind = {"float": "f", "int": "i", "uint": "u", "bool": "?"}[dtype.rstrip("0123456789")]
    return "?" if kind == "?" else f"<{kind}{ELEMENT_BYTES[dtype]}"


def _writable_alias(array: numpy.ndarray[Any, Any]) -> Any:
    """torch knows no read-only memory and warns about it; a view that claims to be writable keeps it quiet."""
    alias = (ctypes.c_char * array.nbytes).from_address(array.ctypes.data)
    alias.owner = array  # type: ignore[attr-defined]  # keeps the memory alive as long as torch holds the view
    return alias


def _of_numpy(array: numpy.ndarray[Any, Any]) -> Tensor:
    import numpy

    dtype = array.dtype.name
    if dtype not in ELEMENT_BYTES:
        raise ValueError(f"a {dtype} array cannot be sent; convert it to one of {', '.join(ELEMENT_BYTES)}")
    shape = array.shape
    # ascontiguousarray makes a scalar one-dimensional, hence the shape from before.
    flat = numpy.ascontiguousarray(array, array.dtype.newbyteorder("<") if dtype != "bfloat16" else None).reshape(-1)
    return Tensor(dtype, shape, flat.view("u1").data)


def _of_torch(tensor: Any) -> Tensor:
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in ELEMENT_BYTES or tensor.layout is not torch.strided:
        known = ", ".join(ELEMENT_BYTES)
        raise ValueError(f"a {dtype} {tensor.layout} tensor cannot be sent; convert it to one of {known}")
    shape = tuple(tensor.shape)
    # clone() where contiguous() alone would keep an odd stride: of a single element, any stride counts as contiguous.
    host = tensor.detach().to("cpu").resolve_neg().contiguous().reshape(-1)
    host = host if host.stride(0) == 1 else host.clone(memory_format=torch.contiguous_format)
    return Tensor(dtype, shape, host.view(torch.uint8).numpy().data)
