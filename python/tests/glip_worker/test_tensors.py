from __future__ import annotations

import warnings

import numpy
import pytest
import torch

from glip_worker.errors import GlipError
from glip_worker.tensors import ELEMENT_BYTES, MAX_RANK, Tensor, tensor_bytes

IN_NUMPY = [dtype for dtype in ELEMENT_BYTES if dtype != "bfloat16"]


@pytest.mark.parametrize("dtype", ELEMENT_BYTES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 4), (1, 1, 1, 1)])
def test_torch_round_trip(dtype: str, shape: tuple[int, ...]) -> None:
    given = (torch.arange(24)[: int(numpy.prod(shape))] % 2).to(getattr(torch, dtype)).reshape(shape)
    tensor = Tensor.of(given)
    assert (tensor.dtype, tensor.shape, tensor.bytes) == (dtype, shape, given.numel() * ELEMENT_BYTES[dtype])
    back = tensor.torch()
    assert back.dtype == given.dtype
    assert torch.equal(back, given)


@pytest.mark.parametrize("dtype", IN_NUMPY)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_numpy_round_trip(dtype: str, shape: tuple[int, ...]) -> None:
    given = numpy.arange(int(numpy.prod(shape))).reshape(shape).astype(dtype)
    tensor = Tensor.of(given)
    assert (tensor.dtype, tensor.shape) == (dtype, shape)
    assert tensor.numpy().dtype == given.dtype
    assert numpy.array_equal(tensor.numpy(), given)


def test_views_share_memory() -> None:
    given = numpy.zeros(4, dtype="float32")
    tensor = Tensor.of(given)
    given[1] = 5
    assert tensor.numpy()[1] == 5
    assert tensor.torch()[1] == 5


def test_not_contiguous_is_copied() -> None:
    assert Tensor.of(numpy.arange(6).reshape(2, 3).T).numpy().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert Tensor.of(torch.arange(6).reshape(2, 3).T).torch().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_big_endian_is_converted() -> None:
    assert Tensor.of(numpy.arange(3, dtype=">i4")).buffer.tobytes() == numpy.arange(3, dtype="<i4").tobytes()


def test_gradient_and_negative_bit() -> None:
    assert Tensor.of(torch.ones(2, requires_grad=True)).numpy().tolist() == [1, 1]
    imaginary = torch.tensor([1 + 2j]).conj().imag  # carries torch's lazy negation
    assert Tensor.of(imaginary).numpy().tolist() == [-2]


def test_bfloat16_as_numpy_is_its_patterns() -> None:
    assert Tensor.of(torch.tensor([1.0], dtype=torch.bfloat16)).numpy().tolist() == [0x3F80]


@pytest.mark.parametrize(
    "value",
    [
        numpy.zeros(1, dtype="complex64"),
        numpy.zeros(1, dtype="uint16"),
        numpy.array(["text"]),
        numpy.array([object()]),
        torch.zeros(1, dtype=torch.complex64),
        torch.eye(2).to_sparse(),
    ],
)
def test_what_cannot_be_sent(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        Tensor.of(value)


@pytest.mark.parametrize("dtype", ELEMENT_BYTES)
def test_unaligned_and_read_only_memory(dtype: str) -> None:
    data = bytes(1 + 4 * ELEMENT_BYTES[dtype])
    for offset in (0, 1):
        buffer = memoryview(data)[offset : offset + 4 * ELEMENT_BYTES[dtype]]
        tensor = Tensor(dtype, [4], buffer)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert tensor.torch().sum().item() == 0
        assert tensor.numpy().flags.aligned


def test_torch_view_keeps_memory_alive() -> None:
    view = Tensor("uint8", [2**20], memoryview(bytearray(b"\7" * 2**20))).torch()
    bytearray(b"\1" * 2**20)
    assert int(view.min()) == 7


def test_bool_is_zero_or_one() -> None:
    tensor = Tensor("bool", [2], memoryview(b"\1\2"))
    for view in (tensor.numpy, tensor.torch):
        with pytest.raises(GlipError, match="neither 0 nor 1"):
            view()


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [
        ("float32", [2], 7),
        ("float32", [], 0),
        ("float31", [], 4),
        ("uint8", [-1], 0),
        ("uint8", [2**32, 2**32], 0),
        ("uint8", [2**53], 0),
        ("uint8", [1] * (MAX_RANK + 1), 1),
    ],
)
def test_what_does_not_fit(dtype: str, shape: list[int], size: int) -> None:
    with pytest.raises(ValueError, match=r"bytes|dtype|shape"):
        Tensor(dtype, shape, memoryview(bytes(size)))


def test_a_zero_hides_no_overflow() -> None:
    assert tensor_bytes("int64", [0, 2**40]) == 0


def test_buffer_is_flat_bytes() -> None:
    with pytest.raises(ValueError, match="bytes"):
        Tensor("float32", [1], memoryview(numpy.zeros(1, "f4")))
    with pytest.raises(ValueError, match="bytes"):
        Tensor("uint8", [2], memoryview(bytes(4))[::2])
