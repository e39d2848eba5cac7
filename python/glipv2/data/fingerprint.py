"""What tells one state of the data from another, for a run's records: sizes, counts and sums of the annotations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glipv2.data.readers.reading import Reading
from glipv2.data.sources import source_to_json

#: Files of a source that are named one by one; the many files of formats that have one a picture are summed up.
NAMED = 3


def fingerprint(readings: Sequence[Reading]) -> dict[str, Any]:
    """`sha256` is equal only for data of the same annotations. Pictures are counted, not read.

    OSError: a file that was there when it was read is gone.
    """
    sources = [_of_source(one) for one in readings]
    whole = hashlib.sha256("".join(one["sha256"] for one in sources).encode()).hexdigest()
    return {"sha256": whole, "sources": sources}


def _of_source(reading: Reading) -> dict[str, Any]:
    sums = [(file, *_sum(file)) for file in reading.files if file.is_file()]
    # Names without their folders: data that was moved is the same data.
    whole = hashlib.sha256("".join(f"{file.name} {digest}\n" for file, _, digest in sums).encode()).hexdigest()
    return {
        "source": source_to_json(reading.source),
        "pictures": len(reading.dataset.pictures),
        "boxes": reading.boxes,
        "phrases": reading.phrases,
        "questions": reading.questions,
        "captions": reading.captions,
        "files": [{"file": str(file), "bytes": size, "sha256": digest} for file, size, digest in sums[:NAMED]],
        "file_count": len(sums),
        "bytes": sum(size for _, size, _ in sums),
        "sha256": whole,
    }


def _sum(file: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while part := opened.read(1 << 20):
            digest.update(part)
            size += len(part)
    return size, digest.hexdigest()
