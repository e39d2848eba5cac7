"""Captions' words by Stanford's tokenizer, as COCO's caption evaluation runs it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from glipv2.scoring.captions.java import JavaError, java
from glipv2.scoring.captions.words import PUNCTUATION

MEASURE = "Stanford's tokenizer"

_CLASS = "edu.stanford.nlp.process.PTBTokenizer"


def ptb_words(captions: Sequence[str], folder: Path | None = None) -> list[list[str]]:
    """AbsentError, JavaError: as `java`, and where it fails. `folder`: as `java` has it."""
    program = java(MEASURE, folder)
    jar = program.jar(MEASURE, "stanford-corenlp-3.4.1.jar")
    ended = subprocess.run(
        [program.program, "-Dfile.encoding=UTF-8", "-cp", str(jar), _CLASS, "-preserveLines", "-lowerCase"],
        input="".join(f"{' '.join(one.split())}\n" for one in captions),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    lines = ended.stdout.split("\n")[:-1]
    if ended.returncode or len(lines) != len(captions):
        raise JavaError(MEASURE, ended.stderr)
    return [[word for word in line.split() if word not in PUNCTUATION] for line in lines]
