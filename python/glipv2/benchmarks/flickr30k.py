"""Flickr30K Entities: where in its picture each phrase of a sentence is.

As in the official evaluation, sentences and the spans of their phrases come from MDETR's file, types and boxes of the
phrases from the data set's own folder. A phrase of several boxes has each of them (`separate`), or the one around all
(`merged`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from glipv2.benchmarks.benchmark import Benchmark, Choices, Figures, Needed, Places, Record, Scores
from glipv2.benchmarks.captions import CaptionRow, read_captions
from glipv2.benchmarks.detection import Wrong
from glipv2.benchmarks.entities import Entities, EntityPhrase, read_entities
from glipv2.benchmarks.grounding import Described, GroundingTask, Text
from glipv2.benchmarks.phrase_details import Grounded
from glipv2.benchmarks.predictor import Asking, Span
from glipv2.data.readers.building import shown
from glipv2.scoring.flickr30k import PhraseRecaller, Protocol, Recall

#: As the official evaluation asks (TEST.MDETR_STYLE_AGGREGATE_CLASS_NUM).
ASKING = Asking(labels=100)

PROTOCOLS: dict[str, Protocol] = {"separate": "any", "merged": "merged"}

IMAGES_PAGE = "https://shannon.cs.illinois.edu/DenotationGraph/"

ENTITIES_PAGE = "https://github.com/BryanPlummer/flickr30k_entities"

#: Of the archive mdetr_annotations.tar.gz.
MDETR_PAGE = "https://zenodo.org/record/4729015"


class Phrase(NamedTuple):
    types: tuple[str, ...]
    span: int
    """Which of the text's."""
    boxes: list[list[float]]


Phrases = tuple[Phrase, ...]


class FlickrTask(GroundingTask[Phrases]):
    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        recallers = {name: PhraseRecaller(protocol) for name, protocol in PROTOCOLS.items()}
        for record in records:
            for text, told in self.text_pairs(record):
                boxes: dict[int, list[list[float]]] = {}
                for span, box in zip(told["phrases"], told["boxes"], strict=True):
                    boxes.setdefault(span, []).append(box)
                for phrase in text.wanted:
                    for recaller in recallers.values():
                        recaller.add(phrase.types, boxes.get(phrase.span, []), phrase.boxes)
        figures: Figures = {}
        types: dict[str, Figures] = {}
        for name, recaller in recallers.items():
            result = recaller.result()
            figures |= _figures(name, result.all)
            for kind, recall in result.by_type.items():
                types.setdefault(kind, {}).update(_figures(name, recall))
        return Scores(figures, {"types": types})

    def grounded(self, text: Text[Phrases], told: Mapping[str, Any]) -> Iterator[Grounded]:
        for phrase in text.wanted:
            place = next((place for place, span in enumerate(told["phrases"]) if span == phrase.span), None)
            found, score = (None, 0) if place is None else (told["boxes"][place], told["scores"][place])
            start, end = text.spans[phrase.span]
            yield Grounded(text.caption[start:end], found, score, phrase.boxes)


def _figures(name: str, recall: Recall | None) -> Figures:
    values = (None,) * 4 if recall is None else (recall.at1, recall.at5, recall.at10, recall.upper_bound)
    return {f"{name}.{depth}": value for depth, value in zip(("R1", "R5", "R10", "upperBound"), values, strict=True)}


def read(places: Places, choices: Choices) -> FlickrTask:
    wrong = Wrong(places["sentences"])
    sentences = _sentences(places["sentences"], wrong)
    split, listed = places["split"], Wrong(places["split"])
    examples = []
    for number in _numbers(split, listed):
        entities = read_entities(places["entities"], str(number), wrong)
        texts = [] if entities is None else _texts(number, entities, sentences.pop(number, {}), wrong)
        if entities is not None and texts:
            [(name, *_), *_] = texts
            file = _picture(places["images"], split.stem, name)
            examples.append(Described(number, file, entities.size, tuple(text for _, text in texts)))
    for number, rows in sentences.items():
        wrong.add("unknown_picture", "images", f"{len(rows)} of them are of the picture {number}, not one of {split}")
    wrong.rows += listed.rows
    if not examples and not wrong.rows:
        wrong.add("no_pictures", "images", "there is none with a phrase that has a box")
    if wrong.rows:
        raise wrong.error()
    return FlickrTask(examples, ASKING)


def _sentences(path: Path, wrong: Wrong) -> dict[int, dict[int, CaptionRow]]:
    """By picture, and by which of its sentences it is."""
    found: dict[int, dict[int, CaptionRow]] = {}
    for row in read_captions(path, wrong).images:
        picture, sentence = row.original_img_id, row.sentence_id
        if type(picture) is not int or type(sentence) is not int:
            received = f"{shown(picture)} and {shown(sentence)}"
            wrong.add("invalid_sentence", _where(row), f"expected original_img_id and sentence_id, got {received}")
        elif sentence in found.setdefault(picture, {}):
            wrong.add("invalid_sentence", _where(row), f"sentence {sentence} of picture {picture} is an earlier one's")
        else:
            found[picture][sentence] = row
    return found


def _where(row: CaptionRow) -> str:
    return f"image {shown(row.id)}"


def _numbers(split: Path, wrong: Wrong) -> list[int]:
    """Of the split's pictures."""
    found: dict[int, None] = {}
    for place, line in enumerate(split.read_text("utf-8", "replace").split("\n"), 1):
        name = line.strip()
        if not name:
            continue
        if not name.isdecimal():
            wrong.add("invalid_line", f"line {place}", f"expected the number of a picture, got {shown(name)}")
        elif int(name) in found:
            wrong.add("duplicate_picture", f"line {place}", f"{name} is in an earlier one")
        else:
            found[int(name)] = None
    return list(found)


def _texts(
    number: int, entities: Entities, rows: dict[int, CaptionRow], wrong: Wrong
) -> list[tuple[str, Text[Phrases]]]:
    """Of the sentences with a phrase that has a box, each with the file of its picture."""
    texts = []
    for place, every in enumerate(entities.sentences):
        phrases = [one for one in every if one.entity in entities.boxes]
        row = rows.get(place)
        if not phrases:
            continue
        if row is None:
            wrong.add("invalid_sentence", "images", f"there is none for the sentence {place} of the picture {number}")
            continue
        spans = _spans(row, phrases, wrong)
        if spans is not None:
            places = {span: at for at, span in enumerate(dict.fromkeys(spans))}
            wanted = tuple(
                Phrase(phrase.types, places[span], entities.boxes[phrase.entity])
                for phrase, span in zip(phrases, spans, strict=True)
            )
            texts.append((row.file_name, Text(row.caption, tuple(places), wanted)))
    return texts


def _spans(row: CaptionRow, phrases: list[EntityPhrase], wrong: Wrong) -> list[Span] | None:
    """Where the sentence has each phrase; None when its file and the data set's do not speak of the same ones."""
    where = f"{_where(row)}.tokens_positive_eval"
    given: Any = row.tokens_positive_eval
    if not isinstance(given, list) or len(given) != len(phrases):
        received = f"{len(given)} of them" if isinstance(given, list) else shown(given)
        wrong.add("span_mismatch", where, f"expected the {len(phrases)} phrases that have a box, got {received}")
        return None
    spans: list[Span] = []
    for one, phrase in zip(given, phrases, strict=True):
        match one:
            case [[int(start), int(end)]] if row.caption[start:end].split() == phrase.words.split() and start >= 0:
                spans.append((start, end))
            case _:
                wrong.add("span_mismatch", where, f"expected [[start, end]] of {phrase.words!r}, got {shown(one)}")
                return None
    return spans


def _picture(images: Path, split: str, name: str) -> Path:
    """In a folder of the split, as the official code reads them, or with all others, as its DATA.md has them."""
    file = images / split / name
    return file if file.parent.is_dir() else images / name


def _benchmark(name: str, split: str) -> Benchmark:
    return Benchmark(
        name=name,
        description=f"Flickr30K Entities {split}: recall of phrases, separate and merged boxes",
        files=(
            Needed("images", "flickr30k/flickr30k_images", IMAGES_PAGE, folder=True),
            Needed("sentences", f"mdetr_annotations/final_flickr_separateGT_{split}.json", MDETR_PAGE),
            Needed("entities", "flickr30k/flickr30k", ENTITIES_PAGE, folder=True),
            Needed("split", f"flickr30k/flickr30k/{split}.txt", ENTITIES_PAGE),
            Needed(None, "flickr30k/flickr30k/Annotations", ENTITIES_PAGE, folder=True),
            Needed(None, "flickr30k/flickr30k/Sentences", ENTITIES_PAGE, folder=True),
        ),
        read=read,
        abilities=frozenset(("ground",)),
    )


TEST = _benchmark("flickr30k", "test")

VAL = _benchmark("flickr30k-val", "val")
