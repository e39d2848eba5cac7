from __future__ import annotations

from pathlib import Path

import pytest

from glip_worker.engines.official.compat import cli
from glip_worker.engines.official.compat.checkout import find_checkout
from glip_worker.errors import GlipError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """As much of a checkout as finding one looks at."""
    for name in ("maskrcnn_benchmark/config/defaults.py", "configs/a.yaml", "configs/b.yaml", "tools/train_net.py"):
        (tmp_path / "GLIP" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "GLIP" / name).write_text("# --local_rank\n")
    return (tmp_path / "GLIP").resolve()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "neither --official nor GLIP_OFFICIAL_REPO says where it is"),
        (["--official", "/no/such/folder"], "there is no folder /no/such/folder"),
    ],
)
def test_a_missing_checkout(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GLIP_OFFICIAL_REPO", raising=False)
    assert cli.main([*arguments, "tools/train_net.py"]) == 2
    text = capsys.readouterr().err
    assert text.startswith("glip_worker.official: the official GLIP code is needed: ")
    assert message in text
    assert "Clone microsoft/GLIP" in text
    assert "Traceback" not in text


def test_a_folder_that_is_no_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIP_OFFICIAL_REPO", str(tmp_path))
    with pytest.raises(GlipError, match="is no checkout of it") as error:
        find_checkout()
    assert error.value.details["path"] == str(tmp_path.resolve())


def test_a_missing_script(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--official", str(tree), "tools/nope.py"]) == 2
    assert f"tools/nope.py: there is no such file, neither here nor in {tree}" in capsys.readouterr().err


def test_paths_of_the_checkout_are_found_there(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.in_checkout("configs/a.yaml", tree) == f"{tree}/configs/a.yaml"
    assert cli.in_checkout("configs/a.yaml,configs/*.yaml", tree) == f"{tree}/configs/a.yaml,{tree}/configs/*.yaml"
    for untouched in ("--config-file", "MODEL.DEVICE", "out/dir", "/abs/configs/a.yaml", "(0.1, 0.2)", ""):
        assert cli.in_checkout(untouched, tree) == untouched
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "a.yaml").touch()
    assert cli.in_checkout("configs/a.yaml", tree) == "configs/a.yaml", "the user's own goes first"


def test_the_rank_is_handed_over(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tree / "tools" / "train_net.py"
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert cli.script_arguments(script, ["a"]) == ["a"]
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert cli.script_arguments(script, ["a"]) == ["--local_rank", "1", "a"]
    assert cli.script_arguments(script, ["--local-rank=0"]) == ["--local-rank=0"]
    script.write_text("takes no rank")
    assert cli.script_arguments(script, ["a"]) == ["a"]
