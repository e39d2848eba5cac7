"""Configurations: which keys and values are taken, and what is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from known_keys import KNOWN

from glip_worker.engines.official.training.configuration import (
    KnownKeys,
    checked,
    official_keys,
    read_configuration,
    write_configuration,
)
from glip_worker.errors import GlipError

SMALL = KnownKeys(
    {"SOLVER.BASE_LR": 0.001, "SOLVER.STEPS": (30000,), "SOLVER.USE_AMP": False, "SOLVER.NAME": "a", "TEST.N": 3,
     "TEST.LIST": [], "TEST.PROMPT": None},
    frozenset({"REGISTER"}),
)  # fmt: skip


def refused(tree: Any, known: KnownKeys = SMALL) -> dict[str, Any]:
    with pytest.raises(GlipError) as caught:
        checked(tree, known, "settings")
    assert caught.value.code == "config_invalid"
    assert caught.value.details["path"] == "settings"
    return caught.value.details


def test_values_take_the_types_of_the_defaults() -> None:
    tree = {
        "SOLVER": {"BASE_LR": 1, "STEPS": "(0.67, 0.89)", "USE_AMP": True},
        "SOLVER.NAME": "b",
        "TEST": {"LIST": (1, 2), "PROMPT": [{"prefix": "a "}]},
        "REGISTER": {"val": {"img_dir": "x"}},
    }
    flat = checked(tree, SMALL, "settings")
    assert flat == {
        "SOLVER.BASE_LR": 1.0,
        "SOLVER.STEPS": (0.67, 0.89),
        "SOLVER.USE_AMP": True,
        "SOLVER.NAME": "b",
        "TEST.LIST": [1, 2],
        "TEST.PROMPT": [{"prefix": "a "}],
        "REGISTER": {"val": {"img_dir": "x"}},
    }
    assert type(flat["SOLVER.BASE_LR"]) is float


def test_every_unknown_key_is_named() -> None:
    details = refused({"SOLVER": {"BASE_RL": 1, "USE_AMP": True}, "WHAT": {"EVER": 1}, "TEST.N": 2})
    assert details["keys"] == ["SOLVER.BASE_RL", "WHAT.EVER"]
    assert "SOLVER.BASE_RL (is SOLVER.BASE_LR meant?)" in details["reason"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SOLVER.USE_AMP", 1, "expected a boolean, got an integer"),
        ("TEST.N", True, "expected an integer, got a boolean"),
        ("TEST.N", 2.5, "expected an integer, got a number"),
        ("SOLVER.BASE_LR", "fast", "expected a number, got a text"),
        ("SOLVER.STEPS", "(800)", "expected a list, got an integer"),
        ("SOLVER.NAME", "7", "expected a text, got an integer"),
        ("SOLVER.BASE_LR", {"A": 1}, "expected a number, got a section"),
        ("SOLVER", 3, "expected a section, got int"),
        ("REGISTER", "val", "expected a section, got a text"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: Any, reason: str) -> None:
    details = refused({name: value})
    assert details["keys"] == [name]
    assert details["reason"] == f"{name}: {reason}"


def test_unknown_keys_and_wrong_values_are_told_together() -> None:
    assert refused({"A": 1, "TEST": {"N": "x"}, "B": 2})["keys"] == ["A", "B", "TEST.N"]


def write(folder: Path, text: str) -> Path:
    file = folder / "model.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SOLVER: !!python/object/apply:os.system ['true']", "it is no plain yaml"),
        ("a: [", "it is no plain yaml"),
        ("- 1\n- 2", "expected sections with keys, got list"),
    ],
)
def test_a_yaml_is_data_alone(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(GlipError) as caught:
        read_configuration(str(write(tmp_path, text)), tmp_path, SMALL)
    assert caught.value.code == "config_invalid"
    assert reason in caught.value.details["reason"]


def test_a_configuration_is_found_in_the_checkout(tmp_path: Path) -> None:
    write(tmp_path, "TEST: {N: 5}")
    assert read_configuration("model.yaml", tmp_path, SMALL) == {"TEST.N": 5}
    with pytest.raises(GlipError, match=r"other\.yaml cannot be read: No such file") as caught:
        read_configuration("other.yaml", tmp_path, SMALL)
    assert caught.value.code == "file_error"


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    flat = {"SOLVER.BASE_LR": 1e-5, "SOLVER.STEPS": (0.5,), "REGISTER": {"val": {"img_dir": "/ä/b c"}}, "TEST.N": 1}
    file = tmp_path / "new" / "out.yaml"
    write_configuration(file, flat)
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {
        "REGISTER": {"val": {"img_dir": "/ä/b c"}},
        "SOLVER": {"BASE_LR": 1e-5, "STEPS": [0.5]},
        "TEST": {"N": 1},
    }
    assert read_configuration(str(file), tmp_path, SMALL) == flat
    assert [path.name for path in file.parent.iterdir()] == ["out.yaml"], "no draft is left"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GlipError) as caught:
        write_configuration(tmp_path / "file" / "out.yaml", {})
    assert caught.value.code == "file_error"


@pytest.mark.official
def test_official_configurations_are_taken(checkout: Path) -> None:
    known = official_keys(checkout)
    shipped = sorted((checkout / "configs").rglob("*.yaml"))
    assert len(shipped) > 50
    for file in shipped:
        assert read_configuration(str(file), checkout, known), file


@pytest.mark.official
def test_an_unknown_key_of_the_official_configuration(checkout: Path) -> None:
    keys = refused(
        {"MODEL": {"DYHEAD": {"FUSE_CONFIG": {"MLM": True}}, "MULTITASK": {"any": 1}}}, official_keys(checkout)
    )
    assert keys["keys"] == ["MODEL.DYHEAD.FUSE_CONFIG.MLM"]


@pytest.mark.official
def test_the_keys_that_tests_make_up_are_the_official_ones(checkout: Path) -> None:
    known = official_keys(checkout)
    assert KNOWN.open <= known.open
    assert {name: known.defaults.get(name, "no such key") for name in KNOWN.defaults} == dict(KNOWN.defaults)
