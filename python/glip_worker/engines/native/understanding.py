"""`vision.answer` on a native model, several requests at once, and `vision.caption`, one at a time.

Legend: B questions, A candidates, D channels of the space in which they are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glip_worker.call import Call
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.native.model import Model
from glip_worker.engines.native.picture import Picture, looked_at, picture_of, rows_of
from glip_worker.engines.native.request import LABELS, order_of, ranks
from glip_worker.engines.native.together import Asked, outcomes_of
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import (
    RankedAnswer,
    Span,
    VisionAnswerParams,
    VisionAnswerResult,
    VisionCaptionEvent,
    VisionCaptionParams,
    VisionCaptionResult,
)
from glip_worker.tensors import Tensor as WireTensor
from glipv2.errors import InputError
from glipv2.model import Output, TextFeatures
from glipv2.pyramid import Pyramid
from glipv2.text.prompts import Window
from glipv2.text.spelling import added
from glipv2.understanding.answering import question_vectors
from glipv2.understanding.decoding import Decoding, tell
from glipv2.understanding.grounding import Least, Spoken, grounded, spoken
from glipv2.understanding.looking import Looked
from glipv2.understanding.scene import Scene, scene, searched_ids

#: Beginnings of captions that are read together, at most.
MOST_BEAMS = 64

Params = VisionAnswerParams | VisionCaptionParams


@dataclass
class Question(Asked):
    params: VisionAnswerParams

    spoken: Spoken

    given: Sequence[str]
    """The candidates."""

    candidates_AD: Tensor


def answer(model: Model, calls: Sequence[tuple[Call, VisionAnswerParams]]) -> list[Any]:
    """The outcome of each call, as `outcomes_of` says it. GlipError: `unsupported` for a model without the part,
    `invalid_argument`, and as `read_picture`."""
    return outcomes_of(model, calls, _question, _answer)


def _question(model: Model, call: Call, params: VisionAnswerParams) -> Question:
    require(model, "answer")
    with as_glip_errors():
        asked = _asked(model, params.question, "question")
    given = own_answers(model) if params.answers is None else params.answers
    picture = picture_of(model, call, params)
    with as_glip_errors(), model.computing():
        candidates_AD = model.candidates.of(given, call.check)
    return Question(call, picture, params, asked, given, candidates_AD)


def _answer(model: Model, pyramid: Pyramid, jobs: Sequence[tuple[int, Question]]) -> None:
    texts = TextFeatures.stacked(model.texts.features([one.spoken.prompts[0].ids for _, one in jobs]))
    output = model.network.read(rows_of(pyramid, [row for row, _ in jobs]), texts)
    questions_BD = question_vectors(model.network, _scene(model, pyramid, jobs), texts)
    for row, (_, job) in enumerate(jobs):
        shares_A = (job.candidates_AD @ questions_BD[row]).float().softmax(dim=0).cpu()
        top = shares_A.topk(min(job.params.top, len(job.given)))
        ranked = [
            RankedAnswer(answer=job.given[place], probability=min(1.0, share))
            for place, share in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]
        found = _grounded(model, job.params, job.picture, output.row(row), job.spoken)
        job.outcome = VisionAnswerResult(**found, answers=ranked)


def _scene(model: Model, pyramid: Pyramid, jobs: Sequence[tuple[int, Question]]) -> Scene:
    """Of each question's picture. A picture is searched once; what is held keeps what was found."""
    pictures = {row: one.picture for row, one in jobs}
    known = {row: one.scene for row, one in pictures.items() if isinstance(one, Looked) and one.scene is not None}
    new = [row for row in pictures if row not in known]
    if new:
        found = _searched(model, rows_of(pyramid, new), [pictures[row].seen for row in new])
        for at, row in enumerate(new):
            known[row], picture = found.rows([at]), pictures[row]
            if isinstance(picture, Looked):
                picture.scene = known[row]
    return Scene.cat([known[row] for row, _ in jobs])


def _searched(model: Model, pyramid: Pyramid, sizes: Sequence[tuple[int, int]]) -> Scene:
    """`scene`, with names that are read once."""
    [names] = model.texts.features([searched_ids(model.config)])
    return scene(model.network, pyramid, sizes, names)


def caption(model: Model, call: Call, params: VisionCaptionParams) -> VisionCaptionResult:
    """Emits the caption as it grows; stops between two words. GlipError as `answer` has it."""
    require(model, "caption")
    decoding = _decoding(model, params)
    brought = picture_of(model, call, params)
    pieces = model.tokenizer.pieces
    text = ""

    def heard(piece: int) -> None:
        nonlocal text
        more = added(text, pieces[piece])
        text += more
        call.emit(VisionCaptionEvent(text=more))

    with torch.no_grad(), model.computing():
        picture = looked_at(model, brought)
        call.check()
        if picture.scene is None:
            picture.scene = _searched(model, picture.pyramid, [picture.seen])
        told = tell(model.network, picture.scene, decoding, heard, call.check)
        call.check()
        asked = _asked(model, text, "caption")
        output = _read(model, picture, asked) if asked.spans else None
        found = _grounded(model, params, picture, output, asked)
    return VisionCaptionResult(**found, caption=text, log_probability=told.log_probability, ended=told.ended)


def own_answers(model: Model) -> list[str]:
    """The candidates of the model's own."""
    understanding = model.config.understanding
    return [] if understanding is None else list(understanding.answers)


def require(model: Model, verb: str) -> None:
    if model.network.understanding is not None:
        return
    reason = "the loaded model finds things, and has no part that answers and tells"
    remedy = (
        f"load one that has it; fine-tuning with settings {{ understanding: {{}} }} and losses {{ {verb}s: 1 }} adds it"
    )
    raise GlipError("unsupported", f"{verb}: {reason}: {remedy}", {"feature": verb, "reason": reason})


def _asked(model: Model, text: str, path: str) -> Spoken:
    """InputError with this path: no words, or too many."""
    try:
        return spoken(text, Window(model.config.prompt.max_tokens, LABELS))
    except InputError as error:
        raise InputError(path, error.expected, error.received) from error


def _decoding(model: Model, params: VisionCaptionParams) -> Decoding:
    assert model.config.understanding is not None
    most = model.config.understanding.longest - 2
    limit = params.max_tokens or most
    with as_glip_errors():
        if limit > most:
            raise InputError("max_tokens", f"at most {most}, which the model has places for", str(limit))
        if params.beams > MOST_BEAMS:
            raise InputError("beams", f"at most {MOST_BEAMS}", str(params.beams))
        return Decoding(
            params.mode,
            params.beams,
            params.length_penalty,
            params.temperature,
            params.top_p,
            params.seed,
            limit,
        )


def _read(model: Model, picture: Looked, asked: Spoken) -> Output:
    [text] = model.texts.features([asked.prompts[0].ids])
    return model.network.read(picture.pyramid, text)


def _grounded(model: Model, params: Params, picture: Picture, output: Output | None, asked: Spoken) -> dict[str, Any]:
    """What the phrases speak of, as of `vision.ground`."""
    least = Least(params.threshold, params.max_objects)
    objects = grounded(model.config.postprocess, picture, output, asked, least)
    order = order_of(asked.spans)
    return {
        "width": picture.size[1],
        "height": picture.size[0],
        "phrases": [Span(start=asked.spans[index][0], end=asked.spans[index][1]) for index in order],
        "boxes": WireTensor.of(objects.boxes_N4),
        "scores": WireTensor.of(objects.scores_N),
        "phrase_indices": WireTensor.of(ranks(order)[objects.labels_N]),
    }
