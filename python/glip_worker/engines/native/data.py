"""`data.check`: what is in annotations, and all that is wrong with them."""

from __future__ import annotations

import msgspec

from glip_worker.call import Call
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import CheckedSource, DataCheckParams, DataCheckResult, DataProblem
from glipv2.data.fingerprint import fingerprint
from glipv2.data.readers import How, Reading, read
from glipv2.data.sources import source_from_json


def check_data(call: Call, params: DataCheckParams) -> DataCheckResult:
    """Source by source; a cancel ends it between two of them. GlipError `invalid_argument`, `file_error`."""
    checked = []
    for place, source in enumerate(params.sources):
        call.check()
        with as_glip_errors():
            source_read = source_from_json(msgspec.to_builtins(source), f"sources[{place}]")
            reading = read(source_read, How(decode=params.open_pictures, words=True))
        checked.append(_checked(reading))
    return DataCheckResult(sources=checked)


def _checked(reading: Reading) -> CheckedSource:
    try:
        digest = fingerprint([reading])["sources"][0]["sha256"]
    except OSError as error:
        path, reason = str(error.filename), error.strerror or str(error)
        raise GlipError("file_error", f"{path}: {reason}", {"path": path, "reason": reason}) from error
    return CheckedSource(
        pictures=len(reading.dataset.pictures),
        boxes=reading.boxes,
        phrases=reading.phrases,
        questions=reading.questions,
        captions=reading.captions,
        categories=list(reading.dataset.names),
        problems=[msgspec.convert(one, DataProblem) for one in reading.problems.to_json()],
        fingerprint=digest,
    )
