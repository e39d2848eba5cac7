"""From files to models: what is read, that every name counts, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_glip import SMALL, assert_golden, pictures, texts
from test_glip import small as small_model
from torch import Tensor

from glipv2.checkpoints.empty import empty
from glipv2.checkpoints.files import check_start, read_safetensors, write_safetensors
from glipv2.checkpoints.load import CONFIG, SOURCE, build, convert, load, read, read_converted, save
from glipv2.checkpoints.official import our_name
from glipv2.config import CONFIGS
from glipv2.errors import WeightsError
from glipv2.model import GLIP

#: Names and shapes of the official state dict of the small model, as that code builds it.
OFFICIAL_KEYS = Path(__file__).with_name("official_keys.txt")


def official_shapes() -> dict[str, list[int]]:
    pairs = (line.split() for line in OFFICIAL_KEYS.read_text().splitlines())
    return {name: [] if shape == "-" else [int(side) for side in shape.split("x")] for name, shape in pairs}


@pytest.fixture(scope="module")
def official_state() -> dict[str, Tensor]:
    """The golden small model's weights by their official names, and what the official model computes."""
    ours = small_model().state_dict()
    state = {}
    for name, shape in official_shapes().items():
        mine = our_name(name)
        state[name] = torch.zeros(shape) if mine is None else ours[mine]
        assert list(state[name].shape) == shape, name
    return state


@pytest.fixture
def pth(official_state: dict[str, Tensor], tmp_path: Path) -> Path:
    torch.save({"model": official_state}, tmp_path / "x.pth")
    return tmp_path / "x.pth"


@torch.no_grad()
def golden(model: GLIP) -> None:
    assert not model.training
    assert_golden(model(pictures((96, 128), (90, 70), height=96, width=128), model.encode_text(*texts(2, 9))))


@pytest.mark.parametrize("form", ["model", "bare", "module", "legacy", "safetensors"])
def test_official_checkpoints(official_state: dict[str, Tensor], tmp_path: Path, form: str) -> None:
    path = tmp_path / "x"
    content: Any = {
        "model": {"model": official_state, "model_ema": {"a": torch.zeros(1)}, "optimizer": {"state": {}}},
        "bare": official_state,
        "module": {"model": {f"module.{name}": tensor for name, tensor in official_state.items()}},
        "legacy": {"model": official_state, "iteration": 7},
    }
    if form == "safetensors":
        write_safetensors(path, official_state, {})
    else:
        torch.save(content[form], path, _use_new_zipfile_serialization=form != "legacy")
    golden(load(path, SMALL))


def test_what_is_computed_is_left(pth: Path, official_state: dict[str, Tensor]) -> None:
    left = read(pth, SMALL).left
    assert left == sorted(name for name in official_state if our_name(name) is None)
    assert len(left) == 5 + 5 + 2  # index windows, anchors, the classifier


def test_half_precision_is_read_as_float32(official_state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({name: tensor.half() for name, tensor in official_state.items()}, tmp_path / "x.pth")
    model = load(tmp_path / "x.pth", SMALL)
    assert {one.dtype for one in model.parameters()} == {torch.float32}
    torch.testing.assert_close(
        model.words.projection.weight, small_model().words.projection.weight, atol=1e-3, rtol=0, check_device=False
    )


def test_ours_are_saved_with_their_configuration(tmp_path: Path) -> None:
    model = small_model()
    save(model, tmp_path / "mine.safetensors", metadata={"made": "by a test"})
    loaded = load(tmp_path / "mine.safetensors")
    assert loaded.config == SMALL
    assert read_safetensors(tmp_path / "mine.safetensors")[1]["made"] == "by a test"
    golden(loaded)
    save(model, tmp_path / "half.safetensors", dtype=torch.float16)
    assert 0 < (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "mine.safetensors").stat().st_size
    assert load(tmp_path / "half.safetensors").words.bias.dtype == torch.float32
    # Another configuration of the same shapes may be given.
    other = replace(SMALL, prompt=replace(SMALL.prompt, max_tokens=64))
    assert load(tmp_path / "mine.safetensors", other).config == other


def test_nothing_of_a_failed_write_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        save(small_model(), tmp_path / "mine.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["glip-t-a", "glip-t", "glip-l", "glip-nano"])
def test_configurations_are_recognised(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By shapes alone: such a file would have up to 1.7 GB."""
    state = {one: torch.empty(1).expand(tensor.shape) for one, tensor in empty(CONFIGS[name]).state_dict().items()}
    monkeypatch.setattr("glipv2.checkpoints.load.read_state", lambda path: (state, {}))
    monkeypatch.setattr("glipv2.checkpoints.load._full", lambda tensor: tensor)
    assert read(tmp_path / "x.pth").config == CONFIGS[name]
    wrong = CONFIGS["glip-t" if name == "glip-t-a" else "glip-t-a"]
    with pytest.raises(WeightsError, match=f"they are those of {name}") as caught:
        read(tmp_path / "x.pth", wrong)
    assert caught.value.field == "keys"


def test_every_name_counts(official_state: dict[str, Tensor], tmp_path: Path) -> None:
    state = dict(official_state)
    for name in [one for one in state if "dyhead_tower.1." in one]:
        del state[name]
    state["rpn.head.bias0"] = torch.zeros(3)
    state["rpn.mask_head.weight"] = torch.zeros(3)
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(WeightsError) as caught:
        read(tmp_path / "x.pth", SMALL)
    error = caught.value
    assert error.field == "keys"
    assert "16 missing (tower.1.attention.key.bias, " in error.received
    assert "and 12 more" in error.received
    assert "1 unexpected (rpn.mask_head.weight)" in error.received
    assert "1 of another shape (words.bias [3] instead of [1])" in error.received
    assert "give the configuration" in error.remedy


def test_other_models(official_state: dict[str, Tensor], tmp_path: Path) -> None:
    tuned = {**official_state, "rpn.tunable_linear.weight": torch.zeros(24, 1000)}
    torch.save(tuned, tmp_path / "tuned.pth")
    with pytest.raises(WeightsError, match="engine official"):
        read(tmp_path / "tuned.pth", SMALL)
    torch.save({"layer1.conv.weight": torch.zeros(3)}, tmp_path / "resnet.pth")
    with pytest.raises(WeightsError, match="no GLIP's"):
        read(tmp_path / "resnet.pth")


class Runs:
    def __reduce__(self) -> Any:
        return (Path("executed").touch, ())


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "html": (lambda good: b"\n<!DOCTYPE html><html>", "a web page"),
    "lfs": (lambda good: b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    "empty": (lambda good: b"", "an empty file"),
    "half": (lambda good: good[: len(good) // 2], "cannot be read"),
    "start": (lambda good: good[:100], "cannot be read"),
    "code": (lambda good: pickle.dumps({"model": Runs()}), "cannot be read"),
    "text": (lambda good: b"just text", "cannot be read"),
    "nothing": (lambda good: pickle.dumps({"model": 3}, protocol=2), "cannot be read"),
}


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_files_that_are_no_weights(
    pth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    good = tmp_path / f"good.{kind}"
    if kind == "pth":
        good = pth
    else:
        convert(pth, good, SMALL)
    change, received = DAMAGES[damage]
    bad = tmp_path / f"bad.{kind}"
    bad.write_bytes(change(good.read_bytes()))
    with pytest.raises(WeightsError) as caught:
        read(bad)
    assert (caught.value.field, caught.value.path) == ("content", bad)
    assert received in caught.value.received
    assert not Path("executed").exists()


def test_a_header_whose_length_looks_like_a_web_page(tmp_path: Path) -> None:
    """Its lowest byte is a blank's, the next one that of `<`."""
    path = tmp_path / "model.safetensors"
    header = b'{"__metadata__":{}}'.ljust(0x3C20)
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    check_start(path)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path, field in ((tmp_path / "absent.pth", "missing"), (tmp_path, "content")):
        with pytest.raises(WeightsError) as caught:
            read(path)
        assert caught.value.field == field


def test_metadata_that_is_none(tmp_path: Path) -> None:
    for number, config in enumerate(("{", '{"swim": {}}')):
        path = tmp_path / f"{number}.safetensors"
        write_safetensors(path, {"words.bias": torch.zeros(1)}, {CONFIG: config})
        with pytest.raises(WeightsError, match="a configuration that is none"):
            read(path)


class TestConversion:
    def test_is_made_once(self, pth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        target = tmp_path / "cache" / "x.safetensors"
        first = read_converted(pth, target, SMALL)
        monkeypatch.setattr("glipv2.checkpoints.load.read", lambda *_: pytest.fail("it is converted"))
        again = read_converted(pth, target)
        assert (again.config, again.left) == (SMALL, first.left)
        assert again.left
        golden(build(again))
        assert [one.name for one in target.parent.iterdir()] == ["x.safetensors"]

    def test_is_made_again_for_other_weights(
        self, pth: Path, official_state: dict[str, Tensor], tmp_path: Path
    ) -> None:
        target = tmp_path / "x.safetensors"
        convert(pth, target, SMALL)
        torch.save({**official_state, "rpn.head.bias0": torch.tensor([7.0]), "x": 0}, pth)
        assert read_converted(pth, target, SMALL).tensors["words.bias"].tolist() == [7.0]
        made_from = json.loads(read_safetensors(target)[1][SOURCE])
        assert (made_from["size"], made_from["left"]) == (pth.stat().st_size, read(pth, SMALL).left)

    def test_damaged_ones_are_replaced(self, pth: Path, tmp_path: Path) -> None:
        target = tmp_path / "x.safetensors"
        convert(pth, target, SMALL)
        target.write_bytes(target.read_bytes()[:5000])
        golden(build(read_converted(pth, target, SMALL)))
        assert len(read_safetensors(target)[0]) == len(small_model().state_dict())

    def test_a_folder_that_cannot_be_written(self, pth: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        golden(build(read_converted(pth, tmp_path / "file" / "x.safetensors", SMALL)))

    def test_a_configuration_that_does_not_fit(self, pth: Path, tmp_path: Path) -> None:
        target = tmp_path / "x.safetensors"
        for _ in range(2):
            with pytest.raises(WeightsError, match="the 726 tensors"):
                read_converted(pth, target, CONFIGS["glip-t"])
        convert(pth, target, SMALL)
        with pytest.raises(WeightsError, match="the 726 tensors"):
            read_converted(pth, target, CONFIGS["glip-t"])
        with pytest.raises(WeightsError) as caught:
            read_converted(tmp_path / "absent.pth", target, SMALL)
        assert caught.value.field == "missing"


@pytest.mark.official
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
def test_the_official_names(official: Any, tmp_path: Path) -> None:
    import counterpart

    reference, _ = counterpart.pair(official, SMALL, tmp_path)
    assert {name: list(one.shape) for name, one in reference.state_dict().items()} == official_shapes()
    torch.save({"model": reference.state_dict()}, tmp_path / "x.pth")
    ids_BT, mask_BT = texts(1, 9)
    batch = pictures((96, 128), height=96, width=128)
    model = load(tmp_path / "x.pth", SMALL)
    with torch.no_grad():
        found = model(batch, model.encode_text(ids_BT, mask_BT))
        expected = counterpart.run(reference, batch, ids_BT, mask_BT)
    torch.testing.assert_close(found.logits_BNT, expected.logits_BNT, atol=1e-4, rtol=0)
