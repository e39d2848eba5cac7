"""SPICE 1.0 (Anderson et al., 2016) by its own Java program, as COCO's caption evaluation runs it.

The program wants Stanford's CoreNLP 3.6.0 and its English models beside it, which no Python package brings, 8 GB, and a
Java with a JavaScript engine: Java 15 and later have none of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from glipv2.scoring.captions.java import AbsentError, JavaError, java
from glipv2.scoring.captions.stretches import Words

MEASURE = "SPICE"

_MAIN = "edu.anu.spice.SpiceScorer"

#: What it says where there is no JavaScript.
_NO_ENGINE = '"scriptEngine" is null'

_PARTS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")


def spice(found: Sequence[Words], references: Sequence[Sequence[Words]], folder: Path | None = None) -> list[float]:
    """The F-score of each caption, 0 to 1; their mean is a data set's figure.

    `folder`: as `java` has it, with spice-1.0.jar and CoreNLP in its lib. AbsentError: one of them is not there, or no
    JavaScript engine is. JavaError: the program failed.
    """
    program = java(MEASURE, folder)
    jar = program.jar(MEASURE, "spice-1.0.jar")
    for name in _PARTS:
        program.jar(MEASURE, name)
    with tempfile.TemporaryDirectory() as room:
        asked, answered = Path(room, "captions.json"), Path(room, "scores.json")
        rows = [
            {"image_id": row, "test": " ".join(caption), "refs": [" ".join(one) for one in several]}
            for row, (caption, several) in enumerate(zip(found, references, strict=True))
        ]
        asked.write_text(json.dumps(rows), encoding="utf-8")
        # Not by -jar: what a person puts beside its parts is to be found too.
        classes = os.pathsep.join([str(jar), str(jar.parent / "lib" / "*")])
        command = [program.program, "-Xmx8G", "-cp", classes, _MAIN, str(asked), "-out", str(answered)]
        ended = subprocess.run(
            [*command, "-subset", "-silent"],
            cwd=jar.parent,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if ended.returncode or not answered.is_file():
            if _NO_ENGINE in ended.stderr:
                raise _without_engine(jar.parent / "lib")
            raise JavaError(MEASURE, ended.stderr)
        scores = {row["image_id"]: row["scores"]["All"]["f"] for row in json.loads(answered.read_text("utf-8"))}
    return [float(scores[row]) for row in range(len(rows))]


def _without_engine(folder: Path) -> AbsentError:
    remedy = (
        "have a Java from 8 to 14 first on the PATH, or put the jars of org.openjdk.nashorn:nashorn-core and of its "
        f"org.ow2.asm into {folder}"
    )
    return AbsentError(MEASURE, "a Java with a JavaScript engine, which 15 and later lack", remedy)
