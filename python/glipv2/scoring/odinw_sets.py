"""The sets of ODinW: where each lies under one data root, and what the official configurations ask it for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from glipv2.errors import InputError

Split = Literal["train", "val", "minival", "test"]

_FOLDERS: Mapping[Split, str] = {"train": "train", "val": "valid", "minival": "mini_val", "test": "test"}


class Wording(NamedTuple):
    """How a category is asked for: its prompt is the three together."""

    prefix: str
    name: str
    suffix: str


class Files(NamedTuple):
    """Relative to the data root."""

    annotations: str
    """In COCO's form, without the background as a category."""
    images: str


@dataclass(frozen=True)
class OdinwSet:
    name: str
    config: str
    """How the official configuration file calls it, without its ending."""
    folder: str
    """Relative to `odinw` in the data root."""
    measured: Split = "val"
    """What its figure is measured on: `minival`, a part of `val`, where that is large."""
    exported: bool = False
    """All splits' pictures lie in one folder, beside their annotations."""
    among_13: bool = False
    wording: Mapping[str, Wording] = field(default_factory=dict)
    """The official prompts, by category. Categories that are not there are asked for by their names."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Names of the configurations of 35 in place of those of 13, which are the annotations' own."""

    def files(self, split: Split) -> Files:
        """InputError: it has no such split."""
        folder = self._folder(split)
        name = "annotations_without_background.json"
        return Files(f"{folder}/{f'{split}_{name}' if self.exported else name}", folder)

    def few_shot(self, shots: int, seed: int, split: Split = "train") -> Files:
        """The subset that was drawn for everybody. InputError: as `files`."""
        folder = self._folder(split)
        return Files(f"{folder}/fewshot_{split}_shot{shots}_seed{seed}.json", folder)

    def _folder(self, split: Split) -> str:
        if split == "minival" and self.measured != "minival":
            raise InputError("split", "train, val or test", f"minival, which {self.name} does not have")
        if self.exported:
            return f"odinw/{self.folder}"
        # Its test pictures have no annotations.
        if self.name == "PascalVOC" and split == "test":
            split = "val"
        return f"odinw/{self.folder}/{_FOLDERS[split]}"


_AQUARIUM = {
    "fish": Wording(" ", "fish", ""),
    "penguin": Wording("", "penguin", " , which is black and white"),
    "puffin": Wording("", "puffin", " with orange beaks "),
    "stingray": Wording("", "stingray", " which is flat and round"),
}

_MUSHROOMS = {"CoW": "flat mushroom", "chanterelle": "yellow mushroom"}

ODINW_35: tuple[OdinwSet, ...] = (
    OdinwSet("AerialMaritimeDrone_large", "AerialMaritimeDrone_large", "AerialMaritimeDrone/large", among_13=True),
    OdinwSet("AerialMaritimeDrone_tiled", "AerialMaritimeDrone_tiled", "AerialMaritimeDrone/tiled"),
    OdinwSet(
        "AmericanSignLanguageLetters",
        "AmericanSignLanguageLetters_American_Sign_Language_Letters.v1-v1.coco",
        "AmericanSignLanguageLetters/American Sign Language Letters.v1-v1.coco",
    ),
    OdinwSet(
        "Aquarium",
        "Aquarium_Aquarium_Combined.v2-raw-1024.coco",
        "Aquarium/Aquarium Combined.v2-raw-1024.coco",
        among_13=True,
        wording=_AQUARIUM,
    ),
    OdinwSet("BCCD", "BCCD_BCCD.v3-raw.coco", "BCCD/BCCD.v3-raw.coco"),
    OdinwSet("ChessPieces", "ChessPieces_Chess_Pieces.v23-raw.coco", "ChessPieces/Chess Pieces.v23-raw.coco"),
    OdinwSet(
        "CottontailRabbits",
        "CottontailRabbits",
        "CottontailRabbits",
        among_13=True,
        renamed={"Cottontail-Rabbit": "rabbit"},
    ),
    OdinwSet(
        "DroneControl", "DroneControl_Drone_Control.v3-raw.coco", "DroneControl/Drone Control.v3-raw.coco", "minival"
    ),
    OdinwSet(
        "EgoHands_generic",
        "EgoHands_generic",
        "EgoHands/generic",
        "minival",
        among_13=True,
        wording={"hand": Wording(" ", "hand", " of a person")},
    ),
    OdinwSet("EgoHands_specific", "EgoHands_specific", "EgoHands/specific", "minival"),
    OdinwSet("HardHatWorkers", "HardHatWorkers_raw", "HardHatWorkers/raw"),
    OdinwSet("MaskWearing", "MaskWearing_raw", "MaskWearing/raw"),
    OdinwSet("MountainDewCommercial", "MountainDewCommercial", "MountainDewCommercial"),
    OdinwSet(
        "NorthAmericaMushrooms",
        "NorthAmericaMushrooms_North_American_Mushrooms.v1-416x416.coco",
        "NorthAmericaMushrooms/North American Mushrooms.v1-416x416.coco",
        among_13=True,
        renamed=_MUSHROOMS,
    ),
    OdinwSet("OxfordPets_by-breed", "OxfordPets_by-breed", "OxfordPets/by-breed", "minival"),
    OdinwSet("OxfordPets_by-species", "OxfordPets_by-species", "OxfordPets/by-species", "minival"),
    OdinwSet("PKLot", "PKLot_640", "PKLot/640", "minival"),
    OdinwSet(
        "Packages",
        "Packages_Raw",
        "Packages/Raw",
        among_13=True,
        wording={"package": Wording("there is a ", "package", " on the porch")},
    ),
    OdinwSet("PascalVOC", "PascalVOC", "PascalVOC", among_13=True),
    OdinwSet("Raccoon", "Raccoon_Raccoon.v2-raw.coco", "Raccoon/Raccoon.v2-raw.coco", among_13=True),
    OdinwSet("ShellfishOpenImages", "ShellfishOpenImages_raw", "ShellfishOpenImages/raw", among_13=True),
    OdinwSet("ThermalCheetah", "ThermalCheetah", "ThermalCheetah"),
    OdinwSet("UnoCards", "UnoCards_raw", "UnoCards/raw", "minival"),
    OdinwSet(
        "VehiclesOpenImages", "VehiclesOpenImages_416x416", "VehiclesOpenImages/416x416", "minival", among_13=True
    ),
    OdinwSet("WildfireSmoke", "WildfireSmoke", "WildfireSmoke"),
    OdinwSet(
        "boggleBoards",
        "boggleBoards_416x416AutoOrient_export_",
        "boggleBoards/416x416AutoOrient/export",
        exported=True,
    ),
    OdinwSet("brackishUnderwater", "brackishUnderwater_960x540", "brackishUnderwater/960x540", "minival"),
    OdinwSet("dice", "dice_mediumColor_export", "dice/mediumColor/export", exported=True),
    OdinwSet("openPoetryVision", "openPoetryVision_512x512", "openPoetryVision/512x512", "minival"),
    OdinwSet("pistols", "pistols_export", "pistols/export", exported=True, among_13=True),
    OdinwSet("plantdoc", "plantdoc_416x416", "plantdoc/416x416"),
    OdinwSet(
        "pothole",
        "pothole",
        "pothole",
        among_13=True,
        wording={"pothole": Wording("there are some ", "holes", " on the road")},
    ),
    OdinwSet("selfdrivingCar", "selfdrivingCar_fixedLarge_export_", "selfdrivingCar/fixedLarge/export", exported=True),
    OdinwSet("thermalDogsAndPeople", "thermalDogsAndPeople", "thermalDogsAndPeople", among_13=True),
    OdinwSet("websiteScreenshots", "websiteScreenshots", "websiteScreenshots", "minival"),
)

ODINW_13: tuple[OdinwSet, ...] = tuple(one for one in ODINW_35 if one.among_13)
