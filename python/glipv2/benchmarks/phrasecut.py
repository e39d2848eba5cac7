"""PhraseCut: the pixels of all objects that a phrase speaks of.

A phrase's mask is that of all its objects which score above `SURE` together, of the best one where none does. Beside
the masks of a model that finds them, its boxes are measured as if they were masks (`filled`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import PIL.Image as pil
from numpy.typing import NDArray
from PIL.ImageDraw import Draw

from glipv2.benchmarks.benchmark import Benchmark, Choices, Figures, Needed, Places, Record, Scores
from glipv2.benchmarks.details import Details, Shown
from glipv2.benchmarks.detection import Wrong
from glipv2.benchmarks.grounding import Described, GroundingTask, Text, run_lengths
from glipv2.benchmarks.phrase_details import Judged, judged_details, kind_of
from glipv2.benchmarks.predictor import Asking, Found, Predictor
from glipv2.data.masks import Bitmap, bitmap
from glipv2.data.readers.building import shown
from glipv2.scoring.phrasecut import MaskOverlap, PhraseMaskScorer

SURE = 0.5

#: Parts of the picture that a small region stays below, and a large one is above.
SMALL, LARGE = 0.02, 0.2

#: Objects from which on a phrase speaks of many.
MANY = 5

PAGE = "https://github.com/ChenyunWu/PhraseCutDataset"

IMAGES_PAGE = "https://homes.cs.washington.edu/~ranjay/visualgenome/api.html"

#: PhraseCut's names of them, by the structure's `type`.
STRUCTURES = {"name": "p_name", "attribute": "p_att+", "relation": "p_rel+", "verbose": "p_verbose"}

#: Of each object its polygons, of each polygon its points.
Polygons = list[list[list[tuple[float, float]]]]


#: Of a file.
Row = TypeVar("Row")


class _Image(msgspec.Struct, gc=False):
    image_id: int
    width: int
    height: int


class _Structure(msgspec.Struct, gc=False):
    attributes: list[Any] | None = None
    relation_descriptions: list[Any] | None = None
    type: Any = None


class _Task(msgspec.Struct, gc=False):
    """Anything is read into the fields, so that all that is wrong can be told, not only the first."""

    image_id: Any = None
    phrase: Any = None
    phrase_structure: _Structure | None = None
    polygons: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="Polygons")


class Region(NamedTuple):
    polygons: bytes
    """As the file has them: as numbers of Python's they take ten times as much memory."""
    subsets: tuple[str, ...]


class PhraseCutTask(GroundingTask[Region]):
    def asked(self, predictor: Predictor) -> Asking:
        return replace(self.asking, masks="masks" in predictor.abilities)

    def kept(self, found: Found) -> NDArray[np.int64]:
        sure: NDArray[np.int64] = np.flatnonzero(found.scores_N > SURE)
        return sure if len(sure) else np.arange(min(len(found.scores_N), 1))

    def details(self, records: Iterable[Record], keys: Collection[int]) -> Details | None:
        """By what is measured: masks, or boxes in their place. `counts` as of `phrase_details`."""
        del keys
        return judged_details(
            (self.example(record), [_judged(*pair, record["size"]) for pair in self.text_pairs(record)])
            for record in records
        )

    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        scorers: dict[str, PhraseMaskScorer] = {}
        for record in records:
            size = (record["size"][0], record["size"][1])
            for text, told in self.text_pairs(record):
                wanted = drawn(text.wanted.polygons, size)
                subsets = [*text.wanted.subsets, _size_of(wanted)]
                scorers.setdefault("filled", PhraseMaskScorer()).add_masks(filled(told["boxes"], size), wanted, subsets)
                if "masks" in told:
                    found = together(told["masks"], size)
                    scorers.setdefault("mask", PhraseMaskScorer()).add_masks(found, wanted, subsets)
        figures: Figures = {}
        parts: dict[str, Figures] = {}
        for name, scorer in scorers.items():
            result = scorer.result()
            if result.all is not None:
                figures |= _figures(name, result.all)
            for subset, overlap in result.by_subset.items():
                parts.setdefault(subset, {}).update(_figures(name, overlap))
        return Scores(figures, {"subsets": parts})


def _judged(text: Text[Region], told: Mapping[str, Any], size: Sequence[int]) -> Judged:
    height_width = (size[0], size[1])
    true = tuple(Shown(text.caption, box, "true") for box in _boxes(text.wanted.polygons))
    if not told["boxes"]:
        return Judged("none", 0.0, true)
    wanted = drawn(text.wanted.polygons, height_width)
    found = together(told["masks"], height_width) if "masks" in told else filled(told["boxes"], height_width)
    kind = kind_of(float((found & wanted).sum() / max(1, (found | wanted).sum())))
    pairs = zip(told["boxes"], told["scores"], strict=True)
    wrong = (Shown(text.caption, tuple(box), "wrong", score) for box, score in pairs)
    return Judged(kind, max(told["scores"]), (*true, *wrong))


def _boxes(polygons: bytes) -> list[tuple[float, ...]]:
    """Around each object."""
    boxes = []
    for objects in msgspec.json.decode(polygons, type=Polygons):
        points_P2 = np.asarray([point for polygon in objects for point in polygon]).reshape(-1, 2)
        if len(points_P2):
            boxes.append((*points_P2.min(axis=0).tolist(), *points_P2.max(axis=0).tolist()))
    return boxes


def drawn(polygons: bytes, size: tuple[int, int]) -> Bitmap:
    """As PhraseCut's evaluation draws them: corners in whole pixels, outlines included."""
    image = pil.new("1", (size[1], size[0]))
    draw = Draw(image)
    for objects in msgspec.json.decode(polygons, type=Polygons):
        for polygon in objects:
            if len(polygon) > 1:
                draw.polygon([(int(x), int(y)) for x, y in polygon], fill=1, outline=1)
    return np.asarray(image)


def filled(boxes: Sequence[Sequence[float]], size: tuple[int, int]) -> Bitmap:
    union = np.zeros(size, np.bool_)
    for box in boxes:
        x1, y1, x2, y2 = (max(0, round(side)) for side in box)
        union[y1 : y2 + 1, x1 : x2 + 1] = True
    return union


def together(masks: Sequence[str], size: tuple[int, int]) -> Bitmap:
    union = np.zeros(size, np.bool_)
    for counts in masks:
        union |= bitmap(run_lengths(counts, size), size)
    return union


def _size_of(wanted: Bitmap) -> str:
    part = wanted.mean()
    return "s_small" if part < SMALL else "s_large" if part > LARGE else "s_mid"


def _figures(name: str, overlap: MaskOverlap) -> Figures:
    precision = {f"{name}.P{round(100 * limit)}": value for limit, value in overlap.precision.items()}
    return {f"{name}.meanIoU": overlap.mean_iou, f"{name}.cumulativeIoU": overlap.cumulative_iou, **precision}


def read(places: Places, choices: Choices) -> PhraseCutTask:
    sizes = _sizes(places["sizes"])
    file, images = places["annotations"], places["images"]
    wrong = Wrong(file)
    texts: dict[int, list[Text[Region]]] = {}
    for place, row in enumerate(_decoded(file, list[_Task], wrong)):
        where, objects = f"[{place}]", _objects(row.polygons)
        if type(row.image_id) is not int or row.image_id not in sizes:
            reason = f"{places['sizes'].name} has no picture {shown(row.image_id)}"
            wrong.add("unknown_picture", f"{where}.image_id", reason)
        elif not isinstance(row.phrase, str) or not row.phrase.strip():
            wrong.add("invalid_sentence", f"{where}.phrase", f"expected a text, got {shown(row.phrase)}")
        elif not objects:
            expected = "expected polygons [[x, y], ...] of each object"
            received = shown(bytes(row.polygons).decode("utf-8", "replace"))
            wrong.add("invalid_mask", f"{where}.Polygons", f"{expected}, got {received}")
        else:
            region = Region(bytes(row.polygons), _subsets(row.phrase_structure or _Structure(), objects))
            texts.setdefault(row.image_id, []).append(Text(row.phrase, ((0, len(row.phrase)),), region))
    if not texts and not wrong.rows:
        wrong.add("no_pictures", "", "there is no phrase")
    if wrong.rows:
        raise wrong.error()
    # PhraseCut keeps the name and the form of Visual Genome's pictures.
    examples = [Described(one, images / f"{one}.jpg", sizes[one], tuple(said)) for one, said in texts.items()]
    return PhraseCutTask(examples, Asking())


def _sizes(file: Path) -> dict[int, tuple[int, int]]:
    """(height, width) of each picture."""
    return {one.image_id: (one.height, one.width) for one in _decoded(file, list[_Image], Wrong(file))}


def _decoded(file: Path, form: type[list[Row]], wrong: Wrong) -> list[Row]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        wrong.add("unreadable_annotations", "", f"it has another form: {error}")
        raise wrong.error() from error


def _objects(polygons: msgspec.Raw) -> int:
    """How many there are; 0: they have no such polygons."""
    try:
        return len(msgspec.json.decode(polygons, type=Polygons))
    except msgspec.DecodeError:
        return 0


def _subsets(structure: _Structure, objects: int) -> tuple[str, ...]:
    """PhraseCut's own, as far as annotations alone decide them."""
    attributes, relations = structure.attributes or (), structure.relation_descriptions or ()
    return tuple(
        name
        for name, belongs in {
            "i_single": objects == 1,
            "i_multi": 1 < objects < MANY,
            "i_many": objects >= MANY,
            "p_att": len(attributes) > 0,
            "p_attm": len(attributes) > 1,
            "p_rel": len(relations) > 0,
            "p_relm": len(relations) > 1,
            "p_att_rel": len(attributes) > 0 and len(relations) > 0,
            **{name: structure.type == kind for kind, name in STRUCTURES.items()},
        }.items()
        if belongs
    )


def _benchmark(name: str, split: str) -> Benchmark:
    return Benchmark(
        name=name,
        description=f"PhraseCut {split}: overlap of masks of phrases",
        files=(
            Needed("annotations", f"VGPhraseCut_v0/refer_{split}.json", PAGE),
            Needed(
                "sizes",
                "VGPhraseCut_v0/image_data_split.json",
                PAGE,
                also=("VGPhraseCut_v0/image_data_split3000.json",),
            ),
            Needed("images", "VGPhraseCut_v0/images", IMAGES_PAGE, also=("gqa/images",), folder=True),
        ),
        read=read,
        abilities=frozenset(("ground",)),
        masks=True,
    )


TEST = _benchmark("phrasecut", "test")

VAL = _benchmark("phrasecut-val", "val")
