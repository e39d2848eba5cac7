"""Work of the native engine in as large pieces as memory allows."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import pytest

from glip_worker.engines.native.memory import PIXELS, in_passes
from glip_worker.errors import GlipError, from_exception


class Block:
    """Stands for memory."""


def test_as_many_at_once_as_pixels_allow() -> None:
    passes: list[list[int]] = []
    in_passes(range(7), PIXELS["cpu"] // 3, "cpu", lambda some: passes.append(list(some)))
    assert passes == [[0, 1, 2], [3, 4, 5], [6]]
    passes.clear()
    in_passes(range(2), 10 * PIXELS["cpu"], "cpu", lambda some: passes.append(list(some)))
    assert passes == [[0], [1]]


@pytest.mark.parametrize("nested", [False, True])
def test_fewer_at_once_where_memory_ends(nested: bool) -> None:
    """What the failed pass held is free before the smaller ones begin, also where an inner pass said so first."""
    passes: list[int] = []
    blocks: list[weakref.ref[Block]] = []

    def run(some: Sequence[int]) -> None:
        assert all(block() is None for block in blocks)
        block = Block()
        blocks.append(weakref.ref(block))
        passes.append(len(some))
        if len(some) > 2:
            if nested:
                in_passes([0], 1, "cpu", fail)
            fail(some)

    def fail(_: Sequence[int]) -> None:
        raise MemoryError

    in_passes(range(8), 1, "cpu", run)
    assert passes == [8, 4, 2, 2, 4, 2, 2]


def test_what_does_not_fit_alone_is_said() -> None:
    def run(some: Sequence[int]) -> None:
        if 3 in some:
            raise RuntimeError("could not create a primitive")

    with pytest.raises(GlipError) as caught:
        in_passes(range(8), 1, "cpu", run)
    assert (caught.value.code, caught.value.message) == ("out_of_memory", "RuntimeError: could not create a primitive")


def test_other_errors_pass_as_they_are() -> None:
    def run(_: Sequence[int]) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        in_passes([1], 1, "cpu", run)


def test_an_error_without_a_text_is_called_by_its_class() -> None:
    assert from_exception(MemoryError()).message == "MemoryError"
