"""Captions one piece after the other: greedy, beams, by lot."""

from __future__ import annotations

import pytest
import torch
from test_understanding import CONFIG, PIECES, pictures
from weights import drawn

from glipv2.errors import InputError
from glipv2.model import GLIP
from glipv2.text.spelling import spelled
from glipv2.understanding.decoding import Decoding, log_probability, tell
from glipv2.understanding.scene import Scene, scene


@pytest.fixture(scope="module")
def model() -> GLIP:
    """Of which few pieces are likely, [SEP] among them."""
    # One whose likeliest caption ends; others are cut, and beams prefer what ends.
    torch.manual_seed(2)
    made = drawn(GLIP(CONFIG), 1)
    assert isinstance(made, GLIP)
    assert made.understanding is not None
    with torch.no_grad():
        made.understanding.words.bias.fill_(-20)
        made.understanding.words.bias[[PIECES.sep_id, *range(2000, 2012)]] = 0
        made.text.embeddings.word.weight[2000:2012] *= 30
        made.text.embeddings.word.weight[PIECES.sep_id] *= 30
    return made


@pytest.fixture(scope="module")
def seen(model: GLIP) -> Scene:
    with torch.no_grad():
        return scene(model, model.look(pictures(1)), [(128, 128)])


def ids(*told: int) -> list[int]:
    return [PIECES.cls_id, *told, PIECES.sep_id]


@torch.no_grad()
def test_what_is_heard_is_what_is_told(model: GLIP, seen: Scene) -> None:
    for mode in ("greedy", "beam", "sample"):
        heard: list[int] = []
        told = tell(model, seen, Decoding(mode, max_tokens=8), heard.append)
        assert heard == told.ids
        assert 1 <= len(told.ids) <= 8
        assert set(told.ids) <= {*range(2000, 2012)}
        if told.ended:
            assert told.log_probability == pytest.approx(log_probability(model, seen, ids(*told.ids)), abs=1e-3)


@torch.no_grad()
def test_beams_find_what_is_at_least_as_likely(model: GLIP, seen: Scene) -> None:
    greedy = tell(model, seen, Decoding(max_tokens=6))
    alone = tell(model, seen, Decoding("beam", beams=1, length_penalty=0.0, max_tokens=6))
    several = tell(model, seen, Decoding("beam", beams=4, length_penalty=0.0, max_tokens=6))
    assert alone.ids == greedy.ids
    # One that has ended goes before those that have not.
    assert several.ended >= greedy.ended
    if several.ended == greedy.ended:
        assert several.log_probability >= greedy.log_probability - 1e-4
    # Of two pieces at most, every caption is looked at.
    every = [log_probability(model, seen, ids(one)) for one in range(2000, 2012)]
    short = tell(model, seen, Decoding("beam", beams=12, length_penalty=0.0, max_tokens=1))
    whole = tell(model, seen, Decoding("beam", beams=200, length_penalty=0.0, max_tokens=2))
    assert whole.log_probability >= max(every) - 1e-4
    assert not short.ended


@torch.no_grad()
def test_a_seed_decides(model: GLIP, seen: Scene) -> None:
    seeds = [Decoding("sample", seed=seed, temperature=3.0, max_tokens=6) for seed in (1, 1, 2, 3, 4)]
    told = [tell(model, seen, one).ids for one in seeds]
    assert told[0] == told[1]
    assert len({tuple(one) for one in told}) > 1
    greedy = tell(model, seen, Decoding(max_tokens=6))
    assert tell(model, seen, Decoding("sample", top_p=1e-6, max_tokens=6)).ids == greedy.ids
    assert tell(model, seen, Decoding("sample", temperature=1e-4, max_tokens=6)).ids == greedy.ids


@torch.no_grad()
def test_who_hears_may_end_it(model: GLIP, seen: Scene) -> None:
    def enough(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        tell(model, seen, Decoding(), enough)


def test_options_of_decoding() -> None:
    for options, name in (({"beams": 0}, "beams"), ({"max_tokens": 0}, "max_tokens"), ({"temperature": 0.0}, "temper")):
        with pytest.raises(InputError, match=name):
            Decoding(**options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="top_p"):
        Decoding(top_p=1.5)


@pytest.mark.parametrize(
    "text", ["two cats, a red circle and a small key.", "a man's t-shirt (blue)", "what is it?", "50% of a skateboard"]
)
def test_pieces_are_spelled(text: str) -> None:
    assert spelled(PIECES.encode(text).ids[1:-1], PIECES) == text
