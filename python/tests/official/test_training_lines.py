from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glip_worker.engines.common.lines import LONGEST_LINE, PIECE, WAITING, Lines
from glip_worker.engines.official.training.failure import rank_lines


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    lines = Lines(tmp_path / "run.log")
    yield lines
    lines.close()


def taken(lines: Lines) -> list[str]:
    pieces = []
    while (piece := lines.take()) is not None:
        pieces.append(piece)
    return pieces


def test_lines_come_whole_however_they_were_cut(lines: Lines) -> None:
    for byte in "first\nzweite Zeile: ü\n\nlast".encode():
        lines.feed(bytes([byte]))
    assert taken(lines) == ["first\nzweite Zeile: ü\n"]
    lines.close()
    assert taken(lines) == ["last"]
    assert lines.path.read_text() == "first\nzweite Zeile: ü\n\nlast\n"
    assert lines.tail == ["first", "zweite Zeile: ü", "last"]


def test_redrawn_lines_keep_what_was_drawn_last(lines: Lines) -> None:
    lines.feed(b" 10%\r 50%\r100%\nWindows\r\n")
    for _ in range(2000):
        lines.feed(b"\r a bar without an end ")
    lines.close()
    assert taken(lines) == ["100%\nWindows\n a bar without an end "]


def test_a_line_without_an_end_is_cut(lines: Lines) -> None:
    for _ in range(20):
        lines.feed(b"x" * 5000)
    lines.close()
    assert "".join(taken(lines)).count("x") > LONGEST_LINE
    assert lines.path.read_text().count("x") == 100_000
    assert max(map(len, lines.tail)) <= LONGEST_LINE


def test_pieces_are_small_and_what_nobody_takes_is_left_out_and_counted(lines: Lines) -> None:
    count = 3 * WAITING // 100
    for number in range(count):
        lines.feed(f"{number:099d}\n".encode())
    pieces = taken(lines)
    assert max(map(len, pieces)) <= PIECE + 200
    first, *rest = "\n".join(pieces).split("\n")
    assert first == f"… {count - len(rest)} lines left out here; {lines.path} has them"
    assert int(rest[-1]) == count - 1
    assert [int(line) for line in rest] == list(range(count - len(rest), count))
    assert len(lines.path.read_text().splitlines()) == count


def test_the_disk_being_full_does_not_stop_the_reading() -> None:
    lines = Lines(Path("/dev/full"))
    lines.feed(b"still here\n")
    lines.close()
    assert taken(lines) == ["still here"]


def test_what_the_launcher_says_is_not_the_run() -> None:
    said = [
        "W0101 10:00:00.000000 7 torch/distributed/elastic/x.py:1] a warning",
        "ValueError: of the rank",
        "E0101 10:00:00.000000 7 torch/distributed/elastic/multiprocessing/api.py:1] failed (exitcode: 1) of",
        "Traceback (most recent call last):",
    ]
    assert rank_lines(said) == ["ValueError: of the rank"]
