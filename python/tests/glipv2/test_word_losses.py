"""The losses of answers and captions: by hand, of what a batch has of them, and learnt on a few squares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import ANSWERS, write_split
from tiny_runs import TINY
from torch import Tensor

from glipv2.config import GlipConfig
from glipv2.data.asking import Asking, Kind, question_text, step_of, told_text
from glipv2.data.augment import Augmentation, Viewing
from glipv2.data.batches import Batch, training_batch
from glipv2.data.candidates import MOST, candidates
from glipv2.data.mixture import Mixture
from glipv2.data.readers import How, read
from glipv2.data.records import Dataset, Question, Sentence
from glipv2.data.sources import Scenes
from glipv2.head.understanding import LIES, Read, UnderstandingConfig
from glipv2.losses import processes
from glipv2.losses.answers import answer_loss
from glipv2.losses.captions import caption_loss, some
from glipv2.losses.grounding import Targets
from glipv2.losses.total import total_loss
from glipv2.losses.weights import LossWeights
from glipv2.losses.words import rests_loss, told_rests_loss
from glipv2.model import GLIP
from glipv2.text.bert import BertConfig
from glipv2.text.masked_words import MaskedWordHead
from glipv2.text.wordpiece import WordPiece
from glipv2.training.step import rows
from glipv2.understanding.scene import Scene

PIECES = WordPiece.default()
AS_IT_IS = Viewing((128,), 256, 32, None)
WORDS = LossWeights(answers=1, captions=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read(Scenes(write_split(tmp_path_factory.mktemp("words") / "train")), How(words=True)).dataset


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def config(dropped: bool = True) -> GlipConfig:
    whole = replace(TINY, understanding=UnderstandingConfig(width=32, layers=2, heads=2, least=0.0))
    if dropped:
        return whole
    return replace(
        whole,
        swin=replace(TINY.swin, drop_path=0.0),
        fpn=replace(TINY.fpn, drop_block=0.0),
        text=replace(TINY.text, dropout=0.0, layers=2),
        fusion=replace(TINY.fusion, dropout=0.0) if TINY.fusion else None,
    )


def batch(data: Dataset, kind: Kind, step: int = 0, size: int = 4, viewing: Viewing = AS_IT_IS) -> Batch:
    asking = Asking(questions=float(kind == "questions"), captions=float(kind == "captions"))
    return training_batch(Mixture([data], [1], 0), step, size, 0, asking, PIECES, viewing)


def losses(model: GLIP, one: Batch, weights: LossWeights = WORDS) -> dict[str, Tensor]:
    return total_loss(model, None, one, weights, torch.Generator().manual_seed(0)).parts


def test_what_a_split_has_to_say(data: Dataset) -> None:
    assert data.answers == tuple(ANSWERS)
    first = data.pictures[0]
    assert [one.sentence.text for one in first.questions if one.kind == "existence"] == [
        "is there red?",
        "is there green?",
        "is there blue?",
    ]
    assert [one.answers for one in first.questions if one.kind == "existence"].count(("no",)) == 1
    absent = next(one for one in first.questions if one.answers == ("no",))
    assert (absent.sentence.phrases, absent.grounded) == ((), True)
    assert [one.text[-1] for one in first.captions] == ["."]
    assert len(first.captions[0].phrases) == 2
    assert read(Scenes(first.file.parent.parent)).dataset.answers == (), "unless it is asked for"


def test_wrong_words_are_told_of(tmp_path: Path) -> None:
    folder = write_split(tmp_path / "split")
    questions = folder / "questions.json"
    questions.write_text(questions.read_text().replace('"answer": "yes"', '"answer": " "', 1))
    captions = folder / "captions.json"
    captions.write_text(captions.read_text().replace('"text": "red"', '"text": "rot"', 1))
    problems = {one.kind: one for one in read(Scenes(folder), How(words=True)).problems}
    assert problems.keys() == {"invalid_question", "span_mismatch"}
    assert problems["invalid_question"].where.startswith(f"{questions}: questions[")
    assert problems["span_mismatch"].where.startswith(f"{captions}: annotations[")
    questions.write_text('{"questions": 3}')
    assert {one.kind for one in read(Scenes(folder), How(words=True)).problems} >= {"unreadable_annotations"}


def test_kinds_of_steps() -> None:
    asking = Asking(questions=0.3, captions=0.2)
    kinds = [step_of(asking, step, 7).kind for step in range(2000)]
    assert kinds.count("questions") / 2000 == pytest.approx(0.3, abs=0.04)
    assert kinds.count("captions") / 2000 == pytest.approx(0.2, abs=0.04)
    without = [step_of(Asking(), step, 7) for step in range(100)]
    assert [one.full for one in without] == [step_of(asking, step, 7).full for step in range(100)]
    with pytest.raises(ValueError, match="questions, captions: expected parts of the steps"):
        Asking(questions=0.7, captions=0.5)


def test_a_caption_that_is_cut_is_not_ended() -> None:
    whole = told_text(Sentence("a red square.", ()), PIECES, 6)
    assert (len(whole.tokens.ids), whole.tokens.ids[-1]) == (6, PIECES.sep_id)
    assert whole.grounded is False
    cut = told_text(Sentence("a red square.", ()), PIECES, 5)
    assert [PIECES.pieces[one] for one in cut.tokens.ids] == ["[CLS]", "a", "red", "square", "."]


def test_answers_have_to_stay_true(data: Dataset) -> None:
    """A question about a side is not mirrored because of its answer; one about colours is."""
    text = question_text(Question(Sentence("where is it?", ()), ("left",)), PIECES, 20)
    assert (text.truth, text.kind, text.answers) == ("where is it? left", "questions", ("left",))
    seen = [
        batch(data, "questions", step, viewing=Viewing((128,), 256, 32, Augmentation(flip=1.0, move=0.0)))
        for step in range(8)
    ]
    plain = [batch(data, "questions", step) for step in range(8)]
    turned = {True: 0, False: 0}
    for one, other in zip(seen, plain, strict=True):
        assert one.right_BA is not None
        answers = one.right_BA.argmax(dim=1)
        assert one.candidates is not None
        for row, answer in enumerate(answers.tolist()):
            word = PIECES.pieces[int(one.candidates.ids_AT[answer, 1])]
            same = torch.equal(one.pictures_B3HW[row], other.pictures_B3HW[row])
            assert same == (word in ("left", "right")), word
            turned[same] += 1
    assert min(turned.values()) > 3


def test_candidates_of_a_batch() -> None:
    rng = np.random.default_rng(0)
    found, right_BA = candidates([["yes"], [], ["2", "2", "3"]], ["no", "yes", "3"], PIECES, rng)
    words = [[PIECES.pieces[one] for one in ids if one not in (101, 102, 0)] for ids in found.ids_AT.tolist()]
    assert words == [["yes"], ["2"], ["3"], ["no"]]
    assert found.mask_AT.tolist() == [[True] * 3] * 4
    torch.testing.assert_close(right_BA, torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0], [0, 2 / 3, 1 / 3, 0]]))
    many, _ = candidates([["yes"]], [f"word {number}" for number in range(2 * MOST)], PIECES, rng)
    assert len(many.ids_AT) == MOST
    nothing, right_BA = candidates([[], []], [], PIECES, rng)
    assert len(nothing.ids_AT) == 1
    assert right_BA.sum() == 0


def test_the_loss_of_answers_by_hand() -> None:
    questions_BD = torch.tensor([[2.0, 0], [0, 1], [5, 5]])
    candidates_AD = torch.eye(2)
    right_BA = torch.tensor([[1.0, 0], [0.5, 0.5], [0, 0]])
    first = math.log(1 + math.exp(-2))
    second = 0.5 * math.log(1 + math.exp(1)) + 0.5 * math.log(1 + math.exp(-1))
    assert answer_loss(questions_BD, candidates_AD, right_BA).item() == pytest.approx((first + second) / 2)
    assert answer_loss(questions_BD, candidates_AD, torch.zeros(3, 2)) == 0


def test_the_loss_of_captions_by_hand() -> None:
    head = MaskedWordHead(BertConfig(vocabulary=4, width=4, layers=1, heads=1))
    with torch.no_grad():
        head.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).log())
    ids_BT, mask_BT = torch.tensor([[0, 1, 2, 3], [3, 3, 3, 3]]), torch.tensor([[True, True, True, False], [False] * 4])
    loss = caption_loss(head, torch.zeros(4, 4), torch.rand(2, 4, 4), ids_BT, mask_BT)
    assert loss.item() == pytest.approx(-(math.log(0.2) + math.log(0.3)) / 2)
    assert caption_loss(head, torch.zeros(4, 4), torch.rand(2, 4, 4), ids_BT, mask_BT & False) == 0


def test_some_pieces_stand_for_all() -> None:
    """With all of them the loss is the same; with few, the same on average, and gradients reach those alone."""
    torch.manual_seed(0)
    head = MaskedWordHead(BertConfig(vocabulary=2000, width=8, layers=1, heads=1))
    embeddings_VL, states_BTL = 0.5 * torch.randn(2000, 8), torch.randn(2, 5, 8)
    ids_BT, mask_BT = torch.randint(0, 40, (2, 5)), torch.ones(2, 5, dtype=torch.bool)
    given = (head, embeddings_VL, states_BTL, ids_BT, mask_BT)
    whole = caption_loss(*given)
    had_S = torch.arange(40)
    torch.testing.assert_close(caption_loss(*given, some(had_S, 1960, 2000)), whole)
    torch.testing.assert_close(caption_loss(*given, some(had_S, 9999, 2000)), whole)
    few = torch.stack([caption_loss(*given, some(had_S, 200, 2000)) for _ in range(50)])
    assert few.mean().item() == pytest.approx(whole.item(), abs=0.02)
    drawn = some(had_S, 200, 2000)
    caption_loss(*given, drawn).backward()
    assert head.bias.grad is not None
    assert set(head.bias.grad.nonzero()[:, 0].tolist()) == set(drawn.ids_S.tolist())


def test_a_caption_learns_what_its_words_speak_of_and_the_next() -> None:
    """Two objects, of the boxes themselves; the second and the third word speak of one each."""
    boxes_K4 = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]])
    seen = Scene(torch.zeros(1, 2, 4), torch.zeros(1, 2, 2, LIES), torch.ones(1, 2, dtype=torch.bool), boxes_K4[None])
    tokens_MT = torch.tensor([[False, True, False, False], [False, False, True, False]])
    known_BT = torch.ones(1, 4, dtype=torch.bool)
    this_BTK = torch.full((1, 4, 2), -9.0)
    this_BTK[0, 1, 0] = this_BTK[0, 2, 1] = 9
    next_BTK = this_BTK.roll(-1, dims=1)
    targets = Targets([boxes_K4], [tokens_MT])
    right = told_rests_loss(Read(torch.zeros(1, 4, 4), this_BTK, next_BTK), seen, targets, known_BT)
    wrong = told_rests_loss(Read(torch.zeros(1, 4, 4), this_BTK, this_BTK), seen, targets, known_BT)
    assert right < 0.01 < 5 < wrong


def test_what_words_speak_of_is_the_mean_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two processes, of which one has a text that nobody knows anything of."""
    torch.manual_seed(0)
    boxes_K4 = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]])
    logits_BTK, known_BT = torch.randn(4, 3, 2), torch.tensor([[True], [True], [True], [False]]).expand(4, 3)
    nothing = Targets([boxes_K4] * 4, [torch.zeros(2, 3, dtype=torch.bool)] * 4)

    def loss(part: slice) -> Tensor:
        count = len(logits_BTK[part])
        present = torch.ones(count, 2, dtype=torch.bool)
        seen = Scene(torch.zeros(count, 2, 4), torch.zeros(count, 2, 2, LIES), present, boxes_K4.expand(count, 2, 4))
        targets = Targets(nothing.boxes_M4[part], nothing.tokens_MT[part])
        return rests_loss(logits_BTK[part], seen, targets, known_BT[part])

    whole = loss(slice(0, 4))
    monkeypatch.setattr(processes, "world_size", lambda: 2)
    monkeypatch.setattr(processes, "mean", lambda sums: torch.full_like(sums, 3 / 2))
    torch.testing.assert_close((loss(slice(0, 2)) + loss(slice(2, 4))) / 2, whole)


def test_what_each_kind_of_batch_has(data: Dataset) -> None:
    torch.manual_seed(0)
    model = GLIP(config()).eval()
    with torch.no_grad():
        assert [*losses(model, batch(data, "boxes"))] == ["tokens", "boxes", "centerness"]
        assert [*losses(model, batch(data, "questions"))] == ["answers", "tokens", "boxes", "centerness"]
        assert [*losses(model, batch(data, "captions"))] == ["captions"]
        assert [*losses(model, batch(data, "questions"), LossWeights(grounding=0, answers=1))] == ["answers"]
        doubled = losses(model, batch(data, "captions"), LossWeights(captions=2))
        assert doubled["captions"] == 2 * losses(model, batch(data, "captions"))["captions"]


def test_of_a_picture_without_words_there_is_no_such_loss(data: Dataset) -> None:
    silent = replace(data, pictures=tuple(replace(one, questions=(), captions=()) for one in data.pictures), answers=())
    torch.manual_seed(0)
    model = GLIP(config()).eval()
    with torch.no_grad():
        assert losses(model, batch(silent, "captions"))["captions"] == 0
        asked = losses(model, batch(silent, "questions"))
        assert asked["answers"] == 0
        assert asked["tokens"] > 0


@torch.no_grad()
def test_of_an_ungrounded_question_no_region_is_told_that_it_does_not_fit(data: Dataset) -> None:
    loose = replace(
        data,
        pictures=tuple(
            replace(
                one,
                questions=tuple(
                    replace(asked, sentence=replace(asked.sentence, phrases=()), grounded=False)
                    for asked in one.questions
                ),
            )
            for one in data.pictures
        ),
    )
    torch.manual_seed(0)
    found = losses(GLIP(config()).eval(), batch(loose, "questions"))
    assert found["tokens"] == found["boxes"] == found["centerness"] == 0
    assert found["answers"] > 0


def test_parts_of_a_batch(data: Dataset) -> None:
    whole = batch(data, "questions")
    part = rows(whole, slice(1, 3))
    assert part.right_BA is not None
    assert whole.right_BA is not None
    assert torch.equal(part.right_BA, whole.right_BA[1:3])
    assert (len(part.kinds), len(part.grounded), part.kind) == (2, 2, "questions")
    torch.manual_seed(0)
    model = GLIP(config(dropped=False)).eval()
    with torch.no_grad():
        together = losses(model, whole)["answers"]
        apart = [losses(model, rows(whole, slice(at, at + 2)))["answers"] for at in (0, 2)]
    assert together.item() == pytest.approx(torch.stack(apart).mean().item(), rel=1e-4)


def test_gradients_reach_the_part(data: Dataset) -> None:
    torch.manual_seed(0)
    model = GLIP(config()).train()
    of_answers, of_captions = ("question.", "answer.", "log_scale", "counts."), ("words.",)
    kinds: list[tuple[Kind, tuple[str, ...]]] = [("questions", of_captions), ("captions", of_answers)]
    for kind, others in kinds:
        model.zero_grad()
        total_loss(model, None, batch(data, kind), WORDS, torch.Generator().manual_seed(0)).total.backward()
        assert model.understanding is not None
        for name, one in model.understanding.named_parameters():
            assert (one.grad is None) == name.startswith(others), name
            assert one.grad is None or one.grad.isfinite().all(), name


@pytest.mark.parametrize(
    ("kind", "steps", "rate", "before", "after"), [("questions", 30, 1e-3, 1, 0.3), ("captions", 60, 4e-3, 8, 1)]
)
def test_it_learns_a_few(data: Dataset, kind: Kind, steps: int, rate: float, before: float, after: float) -> None:
    torch.manual_seed(1)
    model = GLIP(config(dropped=False)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    same = batch(data, kind, size=6, viewing=Viewing((64,), 128, 32, None))
    found = []
    for _ in range(steps):
        [loss] = losses(model, same, LossWeights(grounding=0, answers=1, captions=1)).values()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        found.append(loss.item())
    assert found[0] > before
    assert found[-1] < after
