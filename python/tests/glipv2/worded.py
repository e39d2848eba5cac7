"""Two small pictures with what people say of them and no box, in the formats of COCO's captions and of VQAv2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import SIZES, draw, write_json

from glipv2.data.sources import CocoCaptions, Vqav2

#: By id.
PICTURES = {10: "a.png", 20: "b.png"}


def images() -> list[dict[str, Any]]:
    return [
        {"id": number, "file_name": name, "width": SIZES[name][0], "height": SIZES[name][1]}
        for number, name in PICTURES.items()
    ]


def captions_content() -> dict[str, Any]:
    """Two of the first picture, one of the second."""
    told = [(10, "A cat and a dog."), (10, " Two  animals sit\n"), (20, "A dog")]
    rows = [{"id": 100 + nth, "image_id": number, "caption": text} for nth, (number, text) in enumerate(told)]
    return {"info": {}, "licenses": [], "images": images(), "annotations": rows}


def write_captions(folder: Path, content: dict[str, Any] | None = None) -> CocoCaptions:
    draw_pictures(folder / "images")
    return CocoCaptions(write_json(folder / "captions.json", content or captions_content()), folder / "images")


def questions_content() -> dict[str, Any]:
    """Two of the first picture, one of the second; as the owner of the pictures may write them."""
    asked = [(10, "How many animals are there?"), (10, "What is left of the dog?"), (20, "Is this a dog?")]
    rows = [
        {"question_id": 1000 + nth, "image_id": number, "question": text} for nth, (number, text) in enumerate(asked)
    ]
    return {"info": {}, "data_type": "mscoco", "images": images(), "questions": rows}


def answers_content() -> dict[str, Any]:
    """Ten people's."""
    said = [
        ("number", ["2"] * 6 + ["two", "Two.", "3", "none"]),
        ("other", ["cat"] * 5 + ["a cat", "The cat", "black cat", "kitten", "kitten"]),
        ("yes/no", ["yes"] * 10),
    ]
    return {
        "annotations": [
            {
                "question_id": 1000 + nth,
                "image_id": (10, 10, 20)[nth],
                "question_type": "how many",
                "answer_type": kind,
                "multiple_choice_answer": texts[0],
                "answers": [
                    {"answer": text, "answer_confidence": "yes", "answer_id": place}
                    for place, text in enumerate(texts, 1)
                ],
            }
            for nth, (kind, texts) in enumerate(said)
        ]
    }


def write_questions(
    folder: Path, questions: dict[str, Any] | None = None, answers: dict[str, Any] | None = None, most: int = 3129
) -> Vqav2:
    draw_pictures(folder / "images")
    return Vqav2(
        write_json(folder / "questions.json", questions or questions_content()),
        write_json(folder / "answers.json", answers or answers_content()),
        folder / "images",
        most,
    )


def draw_pictures(folder: Path) -> None:
    for name in PICTURES.values():
        draw(folder, name)
