"""METEOR 1.5 (Denkowski and Lavie, 2014) by its own Java program, as COCO's caption evaluation runs it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from glipv2.scoring.captions.java import JavaError, java
from glipv2.scoring.captions.stretches import Words

MEASURE = "METEOR"


def meteor(
    found: Sequence[Words], references: Sequence[Sequence[Words]], folder: Path | None = None
) -> tuple[float, list[float]]:
    """Of the whole set, which is no mean, and of each caption: 0 to 1.

    `folder`: as `java` has it, with meteor-1.5.jar and its data/paraphrase-en.gz. AbsentError: it is not there.
    JavaError: the program failed.
    """
    program = java(MEASURE, folder)
    jar = program.jar(MEASURE, "meteor-1.5.jar")
    command = [program.program, "-Dfile.encoding=UTF-8", "-Xmx2G", "-jar", str(jar)]
    with _conversation([*command, "-", "-", "-stdio", "-l", "en", "-norm"]) as ask:
        statistics = []
        for caption, several in zip(found, references, strict=True):
            texts = [" ".join(one).replace("|||", "") for one in (*several, caption)]
            statistics += ask(" ||| ".join(("SCORE", *texts)), 1)
        if not statistics:
            return 0.0, []
        answers = ask(" ||| ".join(("EVAL", *statistics)), len(statistics) + 1, last=True)
    try:
        *scores, total = (float(one) for one in answers)
    except ValueError as error:
        raise JavaError(MEASURE, str(error)) from error
    return total, scores


class _Ask:
    """One line to the program, so many from it."""

    def __init__(self, process: subprocess.Popen[str], said: IO[str]) -> None:
        self._process = process
        self._said = said

    def __call__(self, line: str, answers: int, last: bool = False) -> list[str]:
        """`last`: nothing follows, so that a program with fewer answers ends, and is not waited for."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
            if last:
                self._process.stdin.close()
        except OSError:
            raise self._failed() from None
        lines = [self._process.stdout.readline() for _ in range(answers)]
        if not all(lines):
            raise self._failed()
        return [one.strip() for one in lines]

    def _failed(self) -> JavaError:
        self._process.wait()
        self._said.seek(0)
        return JavaError(MEASURE, self._said.read())


@contextmanager
def _conversation(command: Sequence[str]) -> Iterator[_Ask]:
    # What it complains of goes to a file: a pipe that nobody reads would stop it.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, encoding="utf-8", bufsize=1
        )
        try:
            yield _Ask(process, said)
        finally:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                # What it did not take is lost with it.
                with suppress(OSError):
                    pipe.close()
            process.wait()
