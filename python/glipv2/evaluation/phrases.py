"""Recall of phrases: whether a phrase's best box is one of those that it speaks of (R@1, as on Flickr30k Entities).

Legend: M boxes. A box is `[x1, y1, x2, y2]` in pixels; its last column and row are at x2 and y2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glipv2.config import GlipConfig
from glipv2.data.records import Boxes, Dataset, Phrase, Picture, Sentence
from glipv2.evaluation.found import Finder
from glipv2.evaluation.progress import Progress, unheard
from glipv2.model import GLIP
from glipv2.text.prompts import Window, caption_prompts
from glipv2.text.wordpiece import WordPiece

#: Least intersection over union of a hit.
HIT = 0.5


def evaluate_phrases(model: GLIP, split: Dataset, sentences: int = 2, progress: Progress = unheard) -> float:
    """R@1, 0 to 1, over all phrases of the first `sentences` of each kind's turn of each picture.

    A phrase that speaks of several objects is found by any of them.
    """
    finder = Finder(model)
    hits = []
    for done, picture in enumerate(split.pictures, 1):
        hits += phrase_hits(finder, model.config, picture, sentences)
        progress(done, len(split.pictures))
    return float(np.mean(hits)) if hits else 0.0


def phrase_hits(finder: Finder, config: GlipConfig, picture: Picture, sentences: int = 2) -> list[bool]:
    """Whether each phrase is found, of the picture's sentences that are asked."""
    tokenizer, window = WordPiece.default(), Window(config.text.longest)
    hits = []
    for sentence in chosen(picture, sentences):
        spans = [(phrase.start, phrase.end) for phrase in sentence.phrases]
        found = finder.find(picture, caption_prompts(tokenizer, sentence.text, spans, window))
        for label, phrase in enumerate(sentence.phrases):
            mine = (found.labels_N == label).nonzero().flatten()
            best = mine[found.scores_N[mine].argmax()] if len(mine) else None
            hits.append(best is not None and hit(found.boxes_N4[best].numpy(), picture, phrase))
    return hits


def largest_object(split: Dataset, sentences: int = 2) -> float:
    """R@1 of who knows every box of the picture and always says the largest: what a model must beat."""
    hits = []
    for picture, sentence in asked(split, sentences):
        sides_M2 = picture.boxes_M4[:, 2:] - picture.boxes_M4[:, :2]
        box = picture.boxes_M4[sides_M2.prod(axis=1).argmax()]
        hits += [hit(box, picture, phrase) for phrase in sentence.phrases]
    return float(np.mean(hits)) if hits else 0.0


def any_object(split: Dataset, sentences: int = 2) -> float:
    """The same of who says any of the boxes: the mean part of them that a phrase speaks of."""
    parts = [
        len(phrase.objects) / len(picture.boxes_M4)
        for picture, sentence in asked(split, sentences)
        for phrase in sentence.phrases
    ]
    return float(np.mean(parts)) if parts else 0.0


def asked(split: Dataset, sentences: int) -> Iterator[tuple[Picture, Sentence]]:
    """Each picture with the sentences of it that are asked."""
    for picture in split.pictures:
        for sentence in chosen(picture, sentences):
            yield picture, sentence


def chosen(picture: Picture, sentences: int) -> list[Sentence]:
    """As many of its sentences, spread over all of them."""
    places = np.linspace(0, len(picture.sentences) - 1, min(sentences, len(picture.sentences)))
    return [picture.sentences[place] for place in places.astype(int)]


def hit(box_4: Boxes, picture: Picture, phrase: Phrase) -> bool:
    return bool((overlaps(box_4, picture.boxes_M4[list(phrase.objects)]) >= HIT).any())


def overlaps(box_4: Boxes, boxes_M4: Boxes) -> Boxes:
    """Intersection over union with each."""
    sides = np.minimum(box_4[2:], boxes_M4[:, 2:]) - np.maximum(box_4[:2], boxes_M4[:, :2]) + 1
    shared = np.clip(sides, 0, None).prod(axis=1)
    areas = (boxes_M4[:, 2:] - boxes_M4[:, :2] + 1).prod(axis=1)
    result: Boxes = shared / (areas + (box_4[2:] - box_4[:2] + 1).prod() - shared)
    return result
