"""Which losses a model is trained by, and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class LossWeights:
    """A loss of weight 0 is not computed."""

    grounding: float = 1.0
    """Regions and tokens of a picture and its text, boxes, centerness: L_ground."""
    inter: float = 0.0
    """Regions and phrases of all pictures and texts of a batch: L_inter."""
    mlm: float = 0.0
    """Words of the text that are masked: L_mlm."""
    masks: float = 0.0
    """Pixels of the regions' objects, where the data has their masks."""
    answers: float = 0.0
    """Answers to questions, among candidates."""
    captions: float = 0.0
    """Captions, each word from the picture and the words before."""

    @property
    def of_finding(self) -> float:
        """Of the losses by which things are found, the one thing that masks, answers and captions do not teach."""
        return self.grounding + self.inter + self.mlm

    @property
    def of_boxes(self) -> float:
        """Of the losses of all but questions and captions."""
        return sum(float(getattr(self, one.name)) for one in fields(self) if one.name not in ("answers", "captions"))

    def __post_init__(self) -> None:
        for one in fields(self):
            if not 0 <= getattr(self, one.name) < float("inf"):
                raise ValueError(f"{one.name} must be a number of at least 0, got {getattr(self, one.name)}")
        if not any(getattr(self, one.name) for one in fields(self)):
            raise ValueError("a loss must have a weight of more than 0, all have 0")
