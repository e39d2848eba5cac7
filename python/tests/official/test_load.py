"""`model.load`: what is built and filled, what is refused, and that a refusal leaves the former model in use."""

from __future__ import annotations

import pickle
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from direct import SMALL, Served, assert_equal, write_bert

from glip_worker.errors import GlipError

pytestmark = [
    pytest.mark.official,
    pytest.mark.timeout(300),  # a cold disk can take minutes to give torch and transformers
    pytest.mark.filterwarnings("ignore"),  # the official code's own
]

PICTURE = numpy.random.default_rng(1).integers(0, 255, (96, 96, 3), dtype=numpy.uint8)
NAMES = ["person", "cat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("load")
    write_bert(folder / "bert")
    return folder


@pytest.fixture(scope="module")
def served(folder: Path, checkout: Path) -> Iterator[Served]:
    from glip_worker.engines.official.compat import installation

    served = Served(checkout, folder / "bert")
    served.load()
    yield served
    installation.uninstall()


@pytest.fixture(scope="module")
def state(served: Served, folder: Path) -> dict[str, torch.Tensor]:
    """The weights of seed 0, in a file good.pth too."""
    assert served.engine.model is not None
    state: dict[str, torch.Tensor] = served.engine.model.network.state_dict()
    torch.save({"model": state}, folder / "good.pth")
    return dict(state)


def refused(served: Served, **changes: Any) -> GlipError:
    """The error; then the former model still finds the same, and a good load works."""
    model, before = served.engine.model, served.detect(PICTURE, NAMES)
    with pytest.raises(GlipError) as caught:
        served.load(**changes)
    assert served.engine.model is model
    assert_equal(served.detect(PICTURE, NAMES), before)
    served.load()
    assert served.engine.model is not model
    assert_equal(served.detect(PICTURE, NAMES), before)
    return caught.value


def test_random_weights_are_the_same_each_time(served: Served) -> None:
    loaded = served.load()
    first = served.detect(PICTURE, NAMES)
    torch.manual_seed(99)
    torch.rand(3)
    drawn = torch.get_rng_state()
    assert served.load().parameters == loaded.parameters > 3_000_000
    assert_equal(served.detect(PICTURE, NAMES), first)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert (loaded.tensors, loaded.ignored) == (0, [])
    assert loaded.seconds > 0


@pytest.mark.parametrize("form", ["model", "bare", "module", "half", "legacy"])
def test_forms_of_checkpoints(served: Served, state: dict[str, torch.Tensor], tmp_path: Path, form: str) -> None:
    shifted = {name: tensor + 0.01 if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    content: Any = {
        "model": {"model": shifted, "model_ema": state, "optimizer": {"state": {}}, "iteration": 7},
        "bare": shifted,
        "module": {f"module.{name}": tensor for name, tensor in shifted.items()},
        "half": {"model": {name: tensor.half() for name, tensor in shifted.items()}},
        "legacy": {"model": shifted, "eval_result": numpy.float64(0.5)},
    }[form]
    torch.save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=form != "legacy")
    loaded = served.load(weights=str(tmp_path / "x.pth"))
    assert (loaded.tensors, loaded.ignored) == (len(state), [])
    assert served.engine.model is not None
    for name, tensor in served.engine.model.network.state_dict().items():
        expected = shifted[name].half().float() if form == "half" and tensor.is_floating_point() else shifted[name]
        assert torch.equal(tensor, expected), name


def test_names_that_the_model_has_not_are_told(served: Served, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    more = {"rpn.tunable_linear.weight": torch.zeros(3), "language_backbone.body.model.embeddings.position_ids": None}
    torch.save({"model": {**state, **more}}, tmp_path / "more.pth")
    assert served.load(weights=str(tmp_path / "more.pth")).ignored == sorted(more)


def test_the_former_model_is_let_go(served: Served) -> None:
    assert served.engine.model is not None
    former = weakref.ref(served.engine.model.network)
    served.load()
    assert former() is None


def html(good: bytes) -> bytes:
    return b"\n<!DOCTYPE html><html><head><title>GLIP</title>"


def archive(good: bytes) -> bytes:
    import io
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as content:
        content.writestr("readme.txt", "no pickle")
    return file.getvalue()


class Runs:
    def __reduce__(self) -> Any:
        return (Path("executed").touch, ())


@pytest.mark.parametrize(
    ("damage", "received"),
    [
        (html, "a web page"),
        (archive, "cannot be read"),
        (lambda good: good[: len(good) // 2], "cannot be read"),
        (lambda good: good[:100], "cannot be read"),
        (lambda good: b"", "an empty file"),
        (lambda good: b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (lambda good: pickle.dumps({"model": Runs()}), "cannot be read"),
        (lambda good: b"\x80\x02", "cannot be read"),
        (lambda good: b"just text", "cannot be read"),
    ],
    ids=["html", "zip", "half", "start", "empty", "lfs", "code", "legacy", "text"],
)
def test_files_that_are_no_checkpoint(
    served: Served,
    state: dict[str, torch.Tensor],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], bytes],
    received: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pth"
    path.write_bytes(damage((folder / "good.pth").read_bytes()))
    error = refused(served, weights=str(path))
    assert (error.code, error.details["path"], error.details["field"]) == ("weights_mismatch", str(path), "content")
    assert received in error.details["received"]
    assert not Path("executed").exists()


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"model": 3}, {"model": {"a": 1}}, torch.zeros(2), {}])
def test_checkpoints_without_named_tensors(served: Served, tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "x.pth")
    error = refused(served, weights=str(tmp_path / "x.pth"))
    assert (error.code, error.details["received"]) == ("weights_mismatch", "no named tensors")


def test_no_file_and_a_folder(served: Served, tmp_path: Path) -> None:
    error = refused(served, weights=str(tmp_path / "glip.pth"))
    assert (error.code, error.details) == ("weights_missing", {"name": "glip.pth", "path": str(tmp_path / "glip.pth")})
    assert refused(served, weights=str(tmp_path)).details["received"] == "no regular file"


def test_weights_of_another_model(served: Served, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    lacking = {name: tensor for name, tensor in state.items() if "bbox_pred" not in name}
    torch.save(lacking, tmp_path / "lacking.pth")
    error = refused(served, weights=str(tmp_path / "lacking.pth"))
    assert (error.code, error.details["field"]) == ("weights_mismatch", "keys")
    assert error.details["expected"] == f"the {len(state)} tensors of the configured model"
    assert "2 are missing (rpn.head.bbox_pred.weight, rpn.head.bbox_pred.bias)" in error.details["received"]
    wider = {**SMALL, "MODEL.SWINT.EMBED_DIM": 48, "MODEL.SWINT.OUT_CHANNELS": [48, 96, 192, 384]}
    torch.save({"model": state}, tmp_path / "good.pth")
    error = refused(served, weights=str(tmp_path / "good.pth"), settings=wider)
    assert "have another shape (backbone.body." in error.details["received"]
    assert "and 5 more" not in error.details["received"]
    assert "a Swin of width 32 and 2 head layers" in error.message
    deeper = {**SMALL, "MODEL.DYHEAD.NUM_CONVS": 3}
    assert "are missing" in refused(served, weights=str(tmp_path / "good.pth"), settings=deeper).message


def test_weights_with_another_number_of_classes(served: Served, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save({"model": state}, tmp_path / "good.pth")
    error = refused(served, weights=str(tmp_path / "good.pth"), settings={**SMALL, "MODEL.DYHEAD.NUM_CLASSES": 6})
    assert error.message.endswith("set MODEL.DYHEAD.NUM_CLASSES to 81")


@pytest.mark.parametrize(
    ("key", "width", "tower", "fused", "config"),
    [("backbone.body.", 192, 24, True, "glip_Swin_L.yaml"), ("module.", 96, 6, False, "glip_A_Swin_T_O365.yaml")],
)
def test_the_configuration_that_fits_is_named(
    served: Served, tmp_path: Path, key: str, width: int, tower: int, fused: bool, config: str
) -> None:
    weights = {f"{key}patch_embed.proj.weight": torch.zeros(width, 3, 4, 4)}
    weights |= {f"rpn.head.dyhead_tower.{at}.{'b_attn.' if fused else ''}x": torch.zeros(1) for at in range(tower)}
    torch.save(weights, tmp_path / "x.pth")
    assert config in refused(served, weights=str(tmp_path / "x.pth")).message


@pytest.mark.parametrize(
    ("text", "keys", "reason"),
    [
        (
            "MODEL: {WEIGTH: x}\nDATASETS: {TRIAN: []}\nNEW: 1\n",
            ["MODEL.WEIGTH", "DATASETS.TRIAN", "NEW"],
            "no such key",
        ),
        (
            "MODEL: {DYHEAD: {NUM_CONVS: many}, RPN_ONLY: 3}",
            ["MODEL.DYHEAD.NUM_CONVS", "MODEL.RPN_ONLY"],
            "Type mismatch",
        ),
        ("MODEL: 3", ["MODEL"], "Type mismatch"),
        ("- a\n- b", [], "a map of keys was expected, got list"),
        ("", [], "a map of keys was expected, got NoneType"),
        ("a: [", [], "no plain yaml"),
        ("MODEL: !!python/object/apply:os.system ['touch executed']", [], "no plain yaml"),
    ],
)
def test_configurations_that_cannot_be_used(
    served: Served,
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    keys: list[str],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    error = refused(served, config=str(path))
    assert (error.code, error.details["path"], error.details["keys"]) == ("config_invalid", str(path), keys)
    assert reason in error.details["reason"]
    assert not Path("executed").exists()


@pytest.mark.parametrize(
    ("settings", "keys", "reason"),
    [
        ({"MODEL.BACKBONE.CONV_BODY": "NONE-SUCH"}, [], "the official code cannot build this model: AssertionError"),
        ({"GLIPKNOW.KNOWLEDGE_FILE": "/none.yaml"}, [], "the official code cannot build this model"),
        ({"MODEL.RPN_ARCHITECTURE": "RPN"}, ["MODEL.RPN_ARCHITECTURE"], "expected 'VLDYHEAD', got 'RPN'"),
        ({"TEST.USE_MULTISCALE": True}, ["TEST.USE_MULTISCALE"], "it is for evaluation"),
    ],
)
def test_models_that_cannot_be_served(served: Served, settings: dict[str, Any], keys: list[str], reason: str) -> None:
    error = refused(served, settings={**SMALL, **settings})
    assert (error.code, error.details["keys"]) == ("config_invalid", keys)
    assert reason in error.details["reason"]


def test_a_configuration_that_is_not_there(served: Served, checkout: Path) -> None:
    error = refused(served, config="configs/pretrain/none.yaml")
    expected = {"path": str(checkout / "configs/pretrain/none.yaml"), "reason": "No such file or directory"}
    assert (error.code, error.details) == ("file_error", expected)


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"MODEL.ATSS.INFERENCE_THRESHOLD": 0.1, "X": 1}, ["MODEL.ATSS.INFERENCE_THRESHOLD", "X"]),
        ({"MODEL.ATSS.INFERENCE_TH": "high"}, ["MODEL.ATSS.INFERENCE_TH"]),
        ({"MODEL": {"ATSS": {"NMS": 1}}}, ["MODEL.ATSS.NMS"]),
        ({"MODEL.DEVICE": "cuda"}, ["MODEL.DEVICE"]),
        ({"": 1}, [""]),
        ({"MODEL.ATSS.NMS_TH.MORE": 1}, ["MODEL.ATSS.NMS_TH.MORE"]),
        ({"MODEL.ATSS": 1}, ["MODEL.ATSS"]),
    ],
)
def test_settings_that_cannot_be_used(served: Served, settings: dict[str, Any], keys: list[str]) -> None:
    error = refused(served, settings={**SMALL, **settings})
    assert (error.code, error.details["path"], error.details["keys"]) == ("config_invalid", "settings", keys)


def test_settings_of_javascript(served: Served) -> None:
    """A number without a fraction comes as an integer, a tuple as a list, and a map may stand for its keys."""
    served.load(settings={**SMALL, "MODEL.ATSS.INFERENCE_TH": 1, "MODEL": {"ATSS": {"NMS_TH": 1}}})
    assert served.engine.model is not None
    atss = served.engine.model.config.MODEL.ATSS
    assert (atss.INFERENCE_TH, type(atss.INFERENCE_TH), atss.NMS_TH) == (1.0, float, 1.0)
    assert len(served.detect(PICTURE, NAMES).scores) == 0
    served.load()


def test_text_encoders(served: Served, folder: Path, tmp_path: Path) -> None:
    error = refused(served, text_encoder=str(tmp_path / "none"))
    assert error.code == "weights_missing"
    # The packaged encoder is wider than the small model.
    error = refused(served, text_encoder=None)
    assert (error.code, error.details["keys"]) == ("config_invalid", ["MODEL.LANGUAGE_BACKBONE.LANG_DIM"])
    many = tmp_path / "many"
    shutil.copytree(folder / "bert", many)
    (many / "vocab.txt").write_text((many / "vocab.txt").read_text() + "onemoreword\n")
    error = refused(served, text_encoder=str(many))
    assert (error.code, error.details["path"]) == ("invalid_argument", "text_encoder")


def test_accelerations_that_do_not_exist(served: Served) -> None:
    error = refused(served, accelerate=["fusion", "magic"])
    assert (error.code, error.details["path"], error.details["received"]) == ("invalid_argument", "accelerate", "magic")


def test_a_load_can_be_stopped(served: Served, checkout: Path) -> None:
    from direct import CPU, YAML

    from glip_worker.engines.official import model as loading
    from glip_worker.protocol.messages import ModelLoadParams

    def check() -> None:
        raise InterruptedError

    params = ModelLoadParams(config=YAML, weights=None, text_encoder=str(served.bert), accelerate=[], settings=SMALL)
    with pytest.raises(InterruptedError):
        loading.load_model(checkout, CPU, params, check)
    assert len(served.detect(PICTURE, NAMES).scores) > 10
