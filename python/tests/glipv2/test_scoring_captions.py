"""Measures of captions: the figures of the reference evaluation (pycocoevalcap 1.2), and stand-ins for its Java."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from caption_miniature import FOUND, REFERENCES

from glipv2.errors import InputError
from glipv2.scoring.captions.bleu import bleu
from glipv2.scoring.captions.cider import cider, cider_d
from glipv2.scoring.captions.java import VARIABLE, AbsentError, JavaError
from glipv2.scoring.captions.meteor import meteor
from glipv2.scoring.captions.ptb import ptb_words
from glipv2.scoring.captions.rouge import rouge_l
from glipv2.scoring.captions.scores import caption_scores
from glipv2.scoring.captions.spice import spice
from glipv2.scoring.captions.words import words_of

#: By pycocoevalcap, each caption's words by Stanford's tokenizer.
BLEU = (0.7272727273, 0.6073767001, 0.4590945470, 0.3764487025)
ROUGE = (0.7554179567, 0.6587473002, 0.5736677116, 0.8557114228, 0.5669144981, 0.3860759494, 0.8026315789, 0.8299319728)
CIDER_D = (
    2.0190724889,
    1.2328239043,
    0.8133606422,
    2.2299627913,
    1.3259695124,
    0.0434764534,
    1.5636981209,
    2.4547346550,
)

#: Of the whole set.
METEOR = 0.3635972394

#: By its SPICE, on Java 17 with nashorn.
SPICE = 0.4392740430

#: A program that answers as Java does.
STAND_IN = """#!{python}
import json, sys
arguments = sys.argv[1:]
mode = {mode!r}
if mode == "dies":
    sys.stderr.write("no room"); sys.exit(1)
elif "-stdio" in arguments:
    for line in sys.stdin:
        kind, *parts = line.rstrip("\\n").split(" ||| ")
        if mode == "babbles":
            print("what?", flush=True)
        elif kind == "SCORE":
            print(len(parts), parts[-1].split()[0], flush=True)
        else:
            for part in parts:
                print("0.25", flush=True)
            print("0.5", flush=True)
elif "-out" in arguments:
    if mode == "modern":
        sys.stderr.write('java.lang.NullPointerException: because "scriptEngine" is null'); sys.exit(1)
    rows = json.load(open(arguments[arguments.index("-out") - 1]))
    scores = [{{"image_id": one["image_id"], "scores": {{"All": {{"f": 1 / len(one["refs"])}}}}}} for one in rows]
    json.dump(scores, open(arguments[arguments.index("-out") + 1], "w"))
else:
    lines = sys.stdin.read().split("\\n")[:-1]
    for line in lines[1:] if mode == "short" else lines:
        print(line.lower().replace(".", " ."))
"""

JARS = (
    "meteor/meteor-1.5.jar",
    "tokenizer/stanford-corenlp-3.4.1.jar",
    "spice/spice-1.0.jar",
    "spice/lib/stanford-corenlp-3.6.0.jar",
    "spice/lib/stanford-corenlp-3.6.0-models.jar",
)


def put_java(monkeypatch: pytest.MonkeyPatch, folder: Path, mode: str = "well") -> Path:
    """A Java on the PATH, and a folder with jars."""
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, mode=mode))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    for name in JARS:
        jar = folder / "jars" / name
        jar.parent.mkdir(parents=True, exist_ok=True)
        jar.touch()
    return folder / "jars"


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A man riding a wave.", "a man riding a wave"),
        ("The dog's bowl isn't full; it's empty!", "the dog 's bowl is n't full it 's empty"),
        ("Two (a man and a woman) can't decide.", "two -lrb- a man and a woman -rrb- ca n't decide"),
        ("A red-and-white train at 10:30 a.m. on Dec. 5.", "a red-and-white train at 10:30 a.m. on dec. 5"),
        ("It cost $1,000.50 -- 50% off...", "it cost $ 1,000.50 50 % off"),
        ('"Stop" sign of 5th St. and Main', "stop sign of 5th st. and main"),
        ("We cannot go, I'm gonna stay", "we can not go i 'm gon na stay"),
        ("A sandwich w/ fries and/or chips", "a sandwich w / fries and/or chips"),
        ("the dogs' toys, the child’s room", "the dogs toys the child 's room"),
        ("12:45pm on no. 7, it 's late!!", "12:45 pm on no. 7 it 's late !!"),
        ("*stars* and a_b", "* stars * and a _ b"),
        ("women;men:children – all", "women men children all"),
        ("", ""),
    ],
)
def test_words_are_those_of_stanfords_tokenizer(caption: str, words: str) -> None:
    """As stanford-corenlp-3.4.1 writes them, in lower case and without what the evaluation drops."""
    assert words_of(caption) == words.split()


def test_measures_are_those_of_the_reference() -> None:
    found = [words_of(one) for one in FOUND.values()]
    references = [[words_of(one) for one in several] for several in REFERENCES.values()]
    assert bleu(found, references) == pytest.approx(BLEU, abs=1e-6)
    assert rouge_l(found, references) == pytest.approx(ROUGE, abs=1e-6)
    assert cider_d(found, references) == pytest.approx(CIDER_D, abs=1e-6)


def test_measures_by_hand() -> None:
    same = [["a", "b", "c", "d", "e"]]
    assert bleu(same, [same]) == pytest.approx([1] * 4)
    assert rouge_l(same, [same]) == [pytest.approx(1)]
    assert rouge_l([[]], [same]) == [0]
    assert rouge_l([["x"]], [same]) == [0]
    # Half of the words, in half of the length: exp(1 - 2).
    assert bleu([["a", "x"]], [[["a", "b", "c", "d"]]])[0] == pytest.approx(0.5 * 0.36787944, abs=1e-6)
    # "cat", which one picture of two has, is said twice: only CIDEr-D minds.
    found, references = [["cat", "cat"], ["x"]], [[["cat", "white"]], [["a", "dog"]]]
    assert cider(found, references)[0] == pytest.approx(10 * (2 / (2 * 2**0.5)) / 4)
    assert cider_d(found, references)[0] == pytest.approx(10 * (1 / (2 * 2**0.5)) / 4)


def test_without_java_what_is_not_measured_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    scores = caption_scores(FOUND, REFERENCES)
    assert scores.bleu == pytest.approx(BLEU, abs=1e-6)
    assert scores.rouge_l == pytest.approx(sum(ROUGE) / len(ROUGE), abs=1e-6)
    assert scores.cider_d == pytest.approx(sum(CIDER_D) / len(CIDER_D), abs=1e-6)
    assert (scores.meteor, scores.spice, scores.words, scores.captions) == (None, None, "own", 8)
    assert scores.absent.keys() == {"words", "meteor", "spice"}
    assert "METEOR needs Java 8 or later, not found here" in scores.absent["meteor"]


def test_without_jars_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jars = put_java(monkeypatch, tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(AbsentError, match=f"set {VARIABLE} to a folder"):
        meteor([["a"]], [[["a"]]])
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(AbsentError, match="nowhere"):
        meteor([["a"]], [[["a"]]])
    (jars / "spice/lib/stanford-corenlp-3.6.0-models.jar").unlink()
    monkeypatch.setenv(VARIABLE, str(jars))
    with pytest.raises(AbsentError, match=r"SPICE needs stanford-corenlp-3\.6\.0-models\.jar, not found here"):
        spice([["a"]], [[["a"]]])


def test_programs_that_are_there_are_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jars = put_java(monkeypatch, tmp_path)
    assert ptb_words(["A cat.", "Two\ndogs"], jars) == [["a", "cat"], ["two", "dogs"]]
    assert meteor([["a"], ["b", "|||"]], [[["a"]], [["b"], ["c"]]], jars) == (0.5, [0.25, 0.25])
    assert meteor([], [], jars) == (0, [])
    assert spice([["a"], ["b"]], [[["a"]], [["b"], ["c"]]], jars) == [1, 0.5]
    scores = caption_scores({1: "A cat.", 2: "A dog."}, {1: ["A cat."], 2: ["A dog.", "The dog."]}, jars)
    assert (scores.words, scores.meteor, scores.spice, scores.absent) == ("stanford", 0.5, 0.75, {})
    assert scores.bleu[1] == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no folder with the reference scorers' jars")
def test_with_the_reference_programs() -> None:
    scores = caption_scores(FOUND, REFERENCES)
    assert scores.words == "stanford"
    assert scores.bleu == pytest.approx(BLEU, abs=1e-6)
    assert scores.meteor == pytest.approx(METEOR, abs=1e-6)
    if "spice" in scores.absent:
        pytest.skip(f"all but SPICE: {scores.absent['spice']}")
    assert scores.spice == pytest.approx(SPICE, abs=1e-6)


def test_spice_on_a_java_without_javascript(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The other figures are there all the same."""
    jars = put_java(monkeypatch, tmp_path, "modern")
    scores = caption_scores({1: "A cat."}, {1: ["A cat."]}, jars)
    assert (scores.meteor, scores.spice) == (0.5, None)
    assert "SPICE needs a Java with a JavaScript engine, which 15 and later lack" in scores.absent["spice"]
    assert f"nashorn-core and of its org.ow2.asm into {jars / 'spice' / 'lib'}" in scores.absent["spice"]


@pytest.mark.parametrize("mode", ["dies", "babbles", "short"])
def test_programs_that_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str) -> None:
    jars = put_java(monkeypatch, tmp_path, mode)
    if mode != "babbles":
        with pytest.raises(JavaError, match="Stanford's tokenizer: its Java program failed"):
            ptb_words(["A cat."], jars)
    if mode != "short":
        with pytest.raises(JavaError, match="METEOR: its Java program failed"):
            meteor([["a"]], [[["a"]]], jars)
    if mode == "dies":
        with pytest.raises(JavaError, match="SPICE: its Java program failed: no room"):
            spice([["a"]], [[["a"]]], jars)


@pytest.mark.parametrize(
    ("found", "references", "message"),
    [
        ({}, {}, "references: expected captions of at least one picture"),
        ({1: "a"}, {1: ["a"], 2: ["b"]}, "found: .*none for 1, such as 2"),
        ({1: "a", 3: "b"}, {1: ["a"]}, "references: .*none for 1, such as 3"),
        ({1: "a"}, {1: []}, r"references\[1\]: expected at least one caption"),
    ],
)
def test_other_pictures(found: Mapping[int, str], references: Mapping[int, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        caption_scores(found, references)
