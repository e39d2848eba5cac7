from __future__ import annotations

import collections
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="the requirements of the official engine are not installed")

from glip_worker.engines.official.compat.patches import pickles
from glip_worker.engines.official.compat.patching import Changes, Settings
from glip_worker.errors import GlipError


class Runs:
    """Runs a function of its choice when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("this must not be printed",)


@pytest.fixture(autouse=True)
def safe() -> Iterator[None]:
    changes = Changes()
    pickles.safe_load(changes, Settings())
    yield
    changes.undo()


def test_what_the_official_trainer_saves_is_loaded(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    saved = {
        "model": collections.OrderedDict(model.state_dict()),
        "optimizer": optimizer.state_dict(),
        "scheduler": {"milestones": collections.Counter([3, 4]), "base_lrs": [0.1], "best": np.float64(0.25)},
        "iteration": 7,
        "eval_result": np.float64(0.31),
        "counts": np.arange(3),
    }
    torch.save(saved, tmp_path / "model_final.pth")
    loaded = torch.load(tmp_path / "model_final.pth", map_location="cpu")
    assert torch.equal(loaded["model"]["weight"], model.weight)
    assert (loaded["eval_result"], loaded["scheduler"]["best"]) == (0.31, 0.25)
    assert loaded["counts"].tolist() == [0, 1, 2]


def test_a_checkpoint_that_needs_more_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"model": Runs()}, tmp_path / "evil.pth")
    with pytest.raises(GlipError, match=r"evil\.pth holds more than tensors and plain containers") as error:
        torch.load(tmp_path / "evil.pth")
    assert error.value.code == "file_error"
    assert capsys.readouterr().out == ""


def test_caffe2_backbones_hold_arrays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "R-50.pkl").write_bytes(pickle.dumps({"blobs": {"conv1_w": np.ones((2, 2), np.float32)}}, protocol=2))
    assert pickles.load_arrays(tmp_path / "R-50.pkl")["conv1_w"].sum() == 4
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"blobs": Runs()}))
    with pytest.raises(GlipError, match=r"it asks for builtins\.print"):
        pickles.load_arrays(tmp_path / "evil.pkl")
    assert capsys.readouterr().out == ""
