"""The native model as a predictor.

Legend: K categories of a prompt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from glipv2.benchmarks.predictor import Ability, Asking, Found, Pixels, Span
from glipv2.config import PostprocessConfig
from glipv2.detection.detect import detect
from glipv2.detection.masks import MaskParts, masks_of
from glipv2.detection.objects import Objects
from glipv2.errors import InputError
from glipv2.model import GLIP, Output, TextFeatures
from glipv2.pictures import prepare
from glipv2.text.prompts import Prompt, Window, Wording, caption_prompts, category_prompts
from glipv2.text.spelling import spelled
from glipv2.text.tuned import TunedPrompt
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.answering import question_vectors
from glipv2.understanding.candidates import CandidateVectors
from glipv2.understanding.decoding import Decoding, tell
from glipv2.understanding.looking import Looked, Scenes, looked, only

#: Captions are told by beams, as is usual where they are measured.
DECODING = Decoding("beam", beams=4)

Read = tuple[Prompt, TextFeatures]


class NativePredictor:
    """Keeps the features of the last list of categories, and what was seen of the last picture."""

    def __init__(self, model: GLIP, precision: str = "float32", tuned: TunedPrompt | None = None) -> None:
        """`precision`: what it computes in, where the caller has it compute; `tuned`: on the model's device, for
        whoever asks for its categories, and then for nothing else."""
        self._model = model.eval()
        self._tuned = tuned
        self._precision = precision
        self._device = next(model.parameters()).device
        self._tokenizer = WordPiece.default()
        self._candidates = CandidateVectors(model)
        self._scenes = Scenes(model)
        self._asked: tuple[tuple[str, ...], int, object] | None = None
        self._prompts: list[Read] = []
        self._pixels: Pixels | None = None
        self._looked: Looked | None = None

    @property
    def abilities(self) -> frozenset[Ability]:
        found: set[Ability] = {"detect"}
        if self._model.masks is not None:
            found.add("masks")
        if self._tuned is not None:
            return frozenset(found)
        found.add("ground")
        if self._model.understanding is not None:
            found |= {"answer", "caption"}
        return frozenset(found)

    @property
    def identity(self) -> str:
        identity = f"native {digest(self._model, f'{self._precision} {self._model.config}')}"
        if self._tuned is None:
            return identity
        return f"{identity}, prompt {digest(self._tuned, ' '.join(map(repr, self._tuned.names)))}"

    @property
    def answers(self) -> Sequence[str]:
        understanding = self._model.config.understanding
        return () if understanding is None else understanding.answers

    @torch.inference_mode()
    def detect(self, pixels: Pixels, categories: Sequence[str], asking: Asking) -> Found:
        if self._tuned is not None:
            return self._detect_tuned(self._tuned, pixels, categories, asking)
        wanted = (tuple(categories), asking.labels, asking.around)
        if self._asked != wanted:
            config = self._model.config.prompt
            around = None if asking.around is None else [one._asdict() for one in asking.around]
            wording = Wording(config.separator, around, repeated=True)
            window = Window(config.max_tokens, asking.labels)
            prompts = category_prompts(self._tokenizer, categories, wording, window)
            self._prompts, self._asked = [(one, self._read(one)) for one in prompts], wanted
        return self._found(pixels, self._prompts, asking)

    def _detect_tuned(self, tuned: TunedPrompt, pixels: Pixels, categories: Sequence[str], asking: Asking) -> Found:
        """One text, in the order that it was tuned in, however the benchmark orders its categories."""
        if sorted(tuned.names) != sorted(categories):
            expected = f"one tuned for the categories {', '.join(categories)}"
            raise InputError("prompt", expected, ", ".join(tuned.names))
        if not self._prompts:
            self._prompts = [(tuned.prompt, tuned(self._read(tuned.prompt)))]
        found = self._found(pixels, self._prompts, asking)
        places_K = np.array([categories.index(name) for name in tuned.names], dtype=np.int64)
        return replace(found, labels_N=places_K[found.labels_N])

    @torch.inference_mode()
    def ground(self, pixels: Pixels, caption: str, spans: Sequence[Span], asking: Asking) -> Found:
        window = Window(self._model.config.prompt.max_tokens, asking.labels)
        prompts = caption_prompts(self._tokenizer, caption, spans, window)
        features = self._read(prompts[0]) if prompts else None
        return self._found(pixels, [(one, features) for one in prompts if features is not None], asking)

    @torch.inference_mode()
    def answer(self, pixels: Pixels, questions: Sequence[str], candidates: Sequence[str]) -> list[str]:
        picture, vectors_AD = self._look(pixels), self._candidates.of(candidates)
        seen = self._scenes.of(picture)
        found = []
        for text in questions:
            ids = self._tokenizer.encode(text).ids
            if len(ids) > (most := self._model.config.prompt.max_tokens):
                raise InputError("question", f"at most {most} tokens, special ones included", str(len(ids)))
            ids_1T, mask_1T = only(ids, picture)
            [vector_D] = question_vectors(self._model, seen, self._model.encode_text(ids_1T, mask_1T))
            found.append(candidates[int((vectors_AD @ vector_D).argmax())])
        return found

    @torch.inference_mode()
    def caption(self, pixels: Pixels) -> str:
        picture = self._look(pixels)
        told = tell(self._model, self._scenes.of(picture), DECODING)
        return spelled(told.ids, self._tokenizer)

    def _look(self, pixels: Pixels) -> Looked:
        if self._looked is None or self._pixels is not pixels:
            size = (pixels.shape[0], pixels.shape[1])
            self._looked = looked(self._model, prepare(pixels, self._model.config.input), size)
            self._pixels = pixels
        return self._looked

    def _read(self, prompt: Prompt) -> TextFeatures:
        ids_1T = torch.tensor([prompt.ids], device=self._device)
        return self._model.encode_text(ids_1T, torch.ones_like(ids_1T, dtype=torch.bool))

    def _found(self, pixels: Pixels, prompts: Sequence[Read], asking: Asking) -> Found:
        picture = self._look(pixels)
        passes = [Objects(torch.zeros(0, 4), torch.zeros(0), *(torch.zeros(0, dtype=torch.int64) for _ in range(2)))]
        masks: list[str] = []
        for output, found, prompt in self._passes(picture, prompts, asking):
            if asking.masks:
                masks += self._masks(picture, output, found)
            passes.append(found.shifted(prompt.first))
        everything = Objects.cat(passes).resized(picture.seen, picture.size)
        return Found(
            everything.boxes_N4.numpy().astype(np.float32),
            everything.scores_N.numpy().astype(np.float32),
            everything.labels_N.numpy(),
            masks if asking.masks else None,
        )

    def _passes(
        self, picture: Looked, prompts: Sequence[Read], asking: Asking
    ) -> Iterator[tuple[Output, Objects, Prompt]]:
        settings = _settings(self._model.config.postprocess, asking)
        for prompt, features in prompts:
            output = self._model.read(picture.pyramid, features)
            [found] = detect(output, [prompt.groups], [picture.seen], settings)
            yield output, found, prompt

    def _masks(self, picture: Looked, output: Output, found: Objects) -> list[str]:
        head = self._model.masks
        assert head is not None
        [pixels_EHW] = head(picture.pyramid.replaced(output.regions_BNC))
        parts = MaskParts.of(head, pixels_EHW, output.regions_BNC[0], output.sizes, found)
        return masks_of(parts, torch.arange(len(found.scores_N)), picture.seen, picture.size)


def _settings(config: PostprocessConfig, asking: Asking) -> PostprocessConfig:
    return config if asking.objects is None else replace(config, max_objects=asking.objects)


def digest(model: torch.nn.Module, said: str) -> str:
    """Of all weights by name, and of what is said beside them."""
    sums = hashlib.sha256(said.encode())
    for name, tensor in sorted(model.state_dict().items()):
        sums.update(name.encode())
        sums.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return sums.hexdigest()
