"""COCO's captions: a sentence of each picture, compared with those of several people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from glipv2.benchmarks.benchmark import REMEDY, Benchmark, Choices, Example, Needed, Places, Record, Scores, Task
from glipv2.benchmarks.caption_details import caption_details
from glipv2.benchmarks.coco import PAGE
from glipv2.benchmarks.details import Details
from glipv2.benchmarks.predictor import Pixels, Predictor
from glipv2.data.problems import Kind, Problems
from glipv2.data.readers.building import shown
from glipv2.data.readers.coco import picture_name
from glipv2.data.readers.coco_captions import CaptionsFile, captions_of
from glipv2.data.readers.coco_file import read_json, size_of
from glipv2.errors import DataError
from glipv2.scoring.captions.scores import caption_scores
from glipv2.scoring.exports import caption_results, json_lines

SPLITS_PAGE = "https://cs.stanford.edu/people/karpathy/deepimagesent/"

#: What COCO's own evaluation takes.
RESULTS = "captions_results.json"


class CaptionTask(Task[Example]):
    """A record: `caption`."""

    def __init__(self, examples: Sequence[Example], references: Mapping[int, Sequence[str]]) -> None:
        self.examples = examples
        self._references = references

    def ask(self, predictor: Predictor, pixels: Pixels, example: Example) -> Record:
        return {"caption": predictor.caption(pixels)}

    def faults(self, record: Record) -> str | None:
        return None if isinstance(record.get("caption"), str) else "expected a caption"

    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        found = {one["id"]: one["caption"] for one in records}
        scores = caption_scores(found, {key: self._references[key] for key in keys})
        figures = {
            **{f"BLEU{length}": value for length, value in enumerate(scores.bleu, 1)},
            "METEOR": scores.meteor,
            "ROUGE_L": scores.rouge_l,
            "CIDEr": scores.cider_d,
            "SPICE": scores.spice,
        }
        names = {"meteor": "METEOR", "spice": "SPICE"}
        return Scores(figures, notes={names.get(name, name): reason for name, reason in scores.absent.items()})

    def details(self, records: Iterable[Record], keys: Collection[int]) -> Details | None:
        del keys
        found = {one["id"]: one["caption"] for one in records}
        return caption_details(found, self._references, {one.key: one for one in self.examples})

    def write(self, records: Iterable[Record], folder: Path) -> None:
        with open(folder / RESULTS, "w", encoding="utf-8") as file:
            rows = (row for one in records for row in caption_results({one["id"]: one["caption"]}))
            file.writelines(json_lines(rows))


class _Sentence(msgspec.Struct, gc=False):
    raw: Any = None


class _Picture(msgspec.Struct, gc=False):
    cocoid: Any = None
    filepath: Any = None
    filename: Any = None
    split: Any = None
    sentences: list[_Sentence] = []


class _Splits(msgspec.Struct, gc=False):
    images: list[_Picture]


def _read_karpathy(places: Places, choices: Choices) -> CaptionTask:
    """The split `test`."""
    del choices
    problems = Problems(str(places["annotations"]))
    file = read_json(places["annotations"], _Splits, problems)
    examples: dict[int, Example] = {}
    references: dict[int, list[str]] = {}
    for place, one in enumerate([] if file is None else file.images):
        if one.split != "test":
            continue
        where, texts = f"images[{place}]", [sentence.raw for sentence in one.sentences]
        if type(one.cocoid) is not int or one.cocoid in examples:
            kind: Kind = "duplicate_picture" if type(one.cocoid) is int else "invalid_picture"
            problems.add(kind, f"{where}.cocoid", f"expected an integer of its own, got {shown(one.cocoid)}")
        elif not isinstance(one.filename, str) or not isinstance(one.filepath, str) or not one.filename:
            problems.add("invalid_picture", where, f"expected filepath and filename, got {shown(one.filename)}")
        elif not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            problems.add("invalid_sentence", f"{where}.sentences", f"expected captions as raw, got {shown(texts)}")
        else:
            examples[one.cocoid] = Example(one.cocoid, places["images"] / one.filepath / one.filename, None)
            references[one.cocoid] = texts
    return _task(examples, references, problems)


def _read_coco(places: Places, choices: Choices) -> CaptionTask:
    """All pictures that have captions."""
    del choices
    problems = Problems(str(places["annotations"]))
    file = read_json(places["annotations"], CaptionsFile, problems)
    if file is None:
        raise DataError(problems.to_json(), REMEDY)
    references: dict[int, list[str]] = defaultdict(list)
    for number, captions in captions_of(file, str(places["annotations"]), problems).items():
        for place, text, _ in captions:
            if isinstance(text, str) and text:
                references[number].append(text)
            else:
                problems.of("").add("invalid_sentence", place, f"expected words, got {shown(text)}")
    examples: dict[int, Example] = {}
    for nth, one in enumerate(file.images):
        name = picture_name(one)
        if type(one.id) is not int or one.id in examples:
            kind: Kind = "duplicate_picture" if type(one.id) is int else "invalid_picture"
            problems.add(kind, f"images[{nth}].id", f"expected an integer of its own, got {shown(one.id)}")
        elif name is None:
            problems.add("invalid_picture", f"images[{nth}].file_name", f"expected a path, got {shown(one.file_name)}")
        elif references.get(one.id):
            examples[one.id] = Example(one.id, places["images"] / name, size_of(one))
    return _task(examples, references, problems)


def _task(examples: dict[int, Example], references: dict[int, list[str]], problems: Problems) -> CaptionTask:
    if not examples and not problems:
        problems.add("no_pictures", "images", "there is none with captions that are asked for")
    if problems:
        raise DataError(problems.to_json(), REMEDY)
    return CaptionTask(list(examples.values()), references)


KARPATHY = Benchmark(
    name="coco-captions",
    description="COCO captions, Karpathy's test split of val2014: BLEU, METEOR, ROUGE-L, CIDEr and SPICE",
    files=(
        Needed("annotations", "coco/annotations/dataset_coco.json", SPLITS_PAGE, also=("coco/dataset_coco.json",)),
        Needed("images", "coco", PAGE, folder=True),
        Needed(None, "coco/val2014", PAGE, folder=True),
    ),
    read=_read_karpathy,
    abilities=frozenset(("caption",)),
)

VAL2017 = Benchmark(
    name="coco-captions-val2017",
    description="COCO captions, val2017: BLEU, METEOR, ROUGE-L, CIDEr and SPICE",
    files=(
        Needed("annotations", "coco/annotations/captions_val2017.json", PAGE),
        Needed("images", "coco/val2017", PAGE, folder=True),
    ),
    read=_read_coco,
    abilities=frozenset(("caption",)),
)
