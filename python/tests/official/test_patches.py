"""Each patch by what it changes, without the checkout; stand-ins take the place of the official modules."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="the requirements of the official engine are not installed")

from glip_worker.engines.official.compat.accelerate import ACCELERATIONS
from glip_worker.engines.official.compat.extension import OPERATORS
from glip_worker.engines.official.compat.installation import describe, install
from glip_worker.engines.official.compat.patches import PATCHES, boxes, distributed, nltk_quiet, transformers_api
from glip_worker.engines.official.compat.patching import Changes, Settings
from glip_worker.errors import GlipError

BY_NAME = {patch.name: patch for patch in PATCHES}


@pytest.fixture
def changes() -> Iterator[Changes]:
    made = Changes()
    yield made
    made.undo()


def apply(changes: Changes, name: str, **settings: Any) -> None:
    BY_NAME[name].apply(changes, Settings(**settings))


def module(monkeypatch: pytest.MonkeyPatch, name: str, **names: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(names)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_every_patch_says_why_and_what_it_mends() -> None:
    assert len(BY_NAME) == len(PATCHES) == 19
    assert not set(BY_NAME) & {one.name for one in ACCELERATIONS}
    for patch in PATCHES:
        assert len(patch.reason) > 15
        assert re.search(r"\.py|csrc|layers", patch.mends), patch.name
        assert patch.name in describe()
    stages = [patch.after_import for patch in PATCHES]
    assert stages == sorted(stages), "those that import the official package come last"


def test_the_extension_has_every_name_of_the_compiled_one(changes: Changes) -> None:
    names = {
        "nms", "ml_nms", "soft_nms", "roi_align_forward", "roi_align_backward", "roi_pool_forward", "roi_pool_backward",
        "sigmoid_focalloss_forward", "sigmoid_focalloss_backward", "deform_conv_forward", "deform_conv_backward_input",
        "deform_conv_backward_parameters", "modulated_deform_conv_forward", "modulated_deform_conv_backward",
        "deform_psroi_pooling_forward", "deform_psroi_pooling_backward",
    }  # fmt: skip
    assert set(OPERATORS) == names
    apply(changes, "extension")
    assert all(callable(getattr(sys.modules["maskrcnn_benchmark._C"], name)) for name in names)
    changes.undo()
    assert "maskrcnn_benchmark._C" not in sys.modules


def test_torch_six(changes: Changes) -> None:
    apply(changes, "torch_six")
    from torch._six import PY37, container_abcs, int_classes, string_classes

    assert PY37
    assert isinstance("a", string_classes)
    assert isinstance(1, int_classes)
    assert issubclass(dict, container_abcs.Mapping)
    changes.undo()
    assert not hasattr(torch, "_six")


def test_hub_download(changes: Changes) -> None:
    apply(changes, "hub_download")
    assert torch.hub._download_url_to_file is torch.hub.download_url_to_file


def test_plateau_verbose(changes: Changes) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(TypeError, match="verbose"):
        torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, verbose=True)
    apply(changes, "plateau_verbose")
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=3, verbose=True)
    assert (scheduler.mode, scheduler.patience) == ("max", 3)


def test_numpy_aliases(changes: Changes) -> None:
    apply(changes, "numpy_aliases")
    assert np.array([1], dtype=np.float).dtype == np.float64  # type: ignore[attr-defined]
    assert np.int is int  # type: ignore[attr-defined]
    changes.undo()
    with pytest.raises(AttributeError):
        np.float  # type: ignore[attr-defined]  # noqa: B018


def test_chunking_and_pruning(changes: Changes) -> None:
    apply(changes, "chunking")
    apply(changes, "head_pruning")
    from transformers.modeling_utils import (
        apply_chunking_to_forward,
        find_pruneable_heads_and_indices,
        prune_linear_layer,
    )

    assert apply_chunking_to_forward(lambda x: x + 1, 0, 1, torch.zeros(2)).tolist() == [1, 1]
    heads, index = find_pruneable_heads_and_indices([1], 3, 2, set())
    assert (heads, index.tolist()) == ({1}, [0, 1, 4, 5])
    # Head 0 went before: of the two that are left, head 2 is the second.
    heads, index = find_pruneable_heads_and_indices([0, 2], 2, 2, {0})
    assert (heads, index.tolist()) == ({2}, [0, 1])
    assert prune_linear_layer(torch.nn.Linear(4, 6), torch.tensor([0, 1, 4, 5])).weight.shape == (4, 4)


def test_attention_mask_takes_a_device_and_hides_padding() -> None:
    holder = SimpleNamespace(parameters=lambda: iter([torch.zeros(1)]))
    mask = transformers_api.get_extended_attention_mask(holder, torch.tensor([[1, 1, 0]]), (1, 3), "cpu")
    assert mask.shape == (1, 1, 1, 3)
    assert mask.flatten().tolist() == [0, 0, -10000]
    assert (torch.zeros(3) + mask.flatten()).softmax(0)[2] == 0
    assert mask.half().isfinite().all()


def test_nltk_quiet(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    nltk = pytest.importorskip("nltk")

    def absent(*args: object, **options: object) -> None:
        raise LookupError

    monkeypatch.setattr(nltk, "word_tokenize", absent)
    monkeypatch.setattr(nltk, "pos_tag", absent)
    apply(changes, "nltk_quiet")
    assert nltk.download("punkt") is False
    tags = nltk.pos_tag(nltk.word_tokenize("a red cup on the table."))
    assert [tag for _, tag in tags] == ["DT", "NN", "NN", "IN", "DT", "NN", "."]
    tree = nltk.RegexpParser("NP: {<DT>?<JJ.*>*<NN.*>+}").parse(tags)
    phrases = [" ".join(word for word, _ in part.leaves()) for part in tree.subtrees() if part.label() == "NP"]
    assert phrases == ["a red cup", "the table"]
    assert nltk_quiet.plain_words("it's a well-known cat!") == ["it's", "a", "well-known", "cat", "!"]


def test_cuda_calls_are_answered_by_the_cpu(changes: Changes) -> None:
    apply(changes, "cuda_calls", device="cpu")
    tensor, layer = torch.zeros(1), torch.nn.Linear(1, 1)
    assert tensor.cuda() is tensor
    assert layer.cuda(0) is layer
    torch.cuda.set_device(3)
    assert torch.nn.parallel.DistributedDataParallel.__name__ == "DistributedDataParallel"
    changes.undo()
    apply(changes, "cuda_calls", device="cuda")
    assert torch.cuda.set_device.__module__ == "torch.cuda"


def test_nccl_becomes_gloo(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda backend, **options: asked.append(backend))
    apply(changes, "cuda_calls", device="cpu")
    torch.distributed.init_process_group(backend="nccl", init_method="env://")
    assert asked == ["gloo"]


def test_collectives_of_one_process() -> None:
    assert distributed.all_gather({"a": 1}) == [{"a": 1}]
    assert distributed.broadcast_data([1.5]) == [1.5]


def test_functions_imported_by_name_are_replaced_too(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    def original() -> None: ...
    def other() -> None: ...

    home = module(monkeypatch, "maskrcnn_benchmark.utils.comm", all_gather=original)
    user = module(monkeypatch, "maskrcnn_benchmark.engine.trainer", all_gather=original)
    stranger = module(monkeypatch, "maskrcnn_benchmark.x", all_gather=other)
    changes.everywhere(home, "all_gather", distributed.all_gather)
    assert home.all_gather is user.all_gather is distributed.all_gather
    assert stranger.all_gather is other
    changes.undo()
    assert user.all_gather is original


class Boxes:
    """As much of a BoxList as NMS asks for."""

    def __init__(self, bbox: torch.Tensor, fields: dict[str, torch.Tensor], mode: str = "xyxy") -> None:
        self.bbox, self.fields, self.mode = bbox, fields, mode

    def convert(self, mode: str) -> Boxes:
        return self

    def get_field(self, name: str) -> torch.Tensor:
        return self.fields[name]

    def __getitem__(self, kept: torch.Tensor) -> Boxes:
        return Boxes(self.bbox[kept], {name: value[kept] for name, value in self.fields.items()})


def test_box_nms_counts_within_the_whole_list_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    corners = torch.tensor([[0.0, 0, 9, 9], [50, 50, 60, 60], [1, 0, 9, 9], [51, 50, 60, 60]])
    fields = {"scores": torch.tensor([0.6, 0.9, 0.8, 0.7]), "labels": torch.tensor([1, 2, 1, 2])}
    kept = boxes.boxlist_ml_nms(Boxes(corners, fields), 0.5)
    assert kept.bbox.tolist() == [[50, 50, 60, 60], [1, 0, 9, 9]]
    assert boxes.boxlist_ml_nms(Boxes(corners, fields), 0).bbox is corners
    assert len(boxes.boxlist_ml_nms(Boxes(corners, fields), 0.5, max_proposals=1).bbox) == 1
    assert capsys.readouterr().out == ""


def test_warnings_are_quiet_and_come_back(changes: Changes) -> None:
    apply(changes, "warnings")
    warnings.warn("torch.meshgrid: in an upcoming release", UserWarning, stacklevel=1)
    changes.undo()
    with pytest.raises(UserWarning):
        warnings.warn("torch.meshgrid: in an upcoming release", UserWarning, stacklevel=1)


def test_install_without_the_checkout_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GlipError, match="GLIP_OFFICIAL_REPO") as error:
        install()
    assert error.value.code == "official_missing"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(GlipError, match=r"skip: expected names out of extension, .* got nope") as error:
        install(["nope"])
    assert error.value.code == "invalid_argument"
    with pytest.raises(GlipError, match="accelerate: expected names out of short_text, fusion, deformable, got warp"):
        install(accelerate="warp")
    with pytest.raises(GlipError, match="device: expected names out of cpu, cuda, got tpu"):
        install(device="tpu")
