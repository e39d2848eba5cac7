"""What a recipe writes is what the official code takes."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import CPU, Desk
from known_keys import FUSE
from small import MODEL, Workshop

from glip_worker.engines.official.training import recipe as recipes
from glip_worker.engines.official.training.configuration import read_configuration
from glip_worker.engines.official.training.options import OFFICIAL_METHODS
from glip_worker.engines.official.training.query import Tokenizer
from glip_worker.engines.official.training.recipe import prepare_evaluate, prepare_finetune, prepare_pretrain
from glip_worker.protocol.messages import (
    Dataset,
)

pytestmark = pytest.mark.official


@pytest.fixture(scope="module")
def official(workshop: Workshop) -> Iterator[Workshop]:
    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install, uninstall

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.dont_write_bytecode", True)
        patch.setattr("sys.path", [*importlib.sys.path])  # type: ignore[attr-defined]
        use_checkout(workshop.checkout)
        install(bert=workshop.bert, device="cpu")
        yield workshop
        uninstall()


def small_model() -> dict[str, Any]:
    pairs = dict(zip(MODEL[::2], MODEL[1::2], strict=True))
    return {name: value for name, value in pairs.items() if name != "MODEL.WEIGHT"}


def test_the_official_code_takes_the_data(official: Workshop, tmp_path: Path) -> None:
    """Detection data twice and captions once, and validation, through the official loaders."""
    desk = Desk(tmp_path)
    content = json.loads((official.folder / "tiny" / "ann.json").read_text())
    for image in content["images"]:
        image["caption"] = "a photo of cat and horse"
    for box in content["annotations"]:
        box["tokens_positive"] = [[11, 14]]
    (tmp_path / "captions.json").write_text(json.dumps(content))
    images = str(official.folder / "tiny" / "images")
    detection = Dataset(format="coco", annotations=str(official.folder / "tiny" / "ann.json"), images=images, copies=2)
    captions = Dataset(format="mdetr", annotations=str(tmp_path / "captions.json"), images=images, copies=1)
    params = desk.pretrain(
        config=str(official.model_yaml), train=[detection, captions], validation=detection, weights=None, readers=0,
        short_sides=[96], long_side=128, epochs=2, batch_size=3, text_encoder=str(official.bert),
        settings=small_model(),
    )  # fmt: skip
    done = prepare_pretrain(params, official.checkout, CPU)
    assert done.categories == ["person", "cup", "cat", "rocket", "horse"]
    config = importlib.import_module("maskrcnn_benchmark.config").cfg.clone()
    config.merge_from_file(str(done.config))
    build = importlib.import_module("maskrcnn_benchmark.data").make_data_loader
    with contextlib.redirect_stdout(io.StringIO()):
        loader = build(config, is_train=True)
        [validation] = build(config, is_train=False)
    assert len(loader) == 2 * 15 // 3
    kinds = [type(one).__mro__[1].__name__ for one in loader.dataset.datasets]
    assert kinds == ["CocoGrounding", "CocoGrounding", "FlickrDataset"]
    batches = list(loader)
    texts = {target.get_field("caption") for batch in batches for target in batch[1]}
    assert "a photo of cat and horse" in texts
    assert any(text.count(". ") == 4 for text in texts), "five categories"
    assert all(min(batch[0].tensors.shape[2:]) <= 96 for batch in batches)
    assert type(validation.dataset).__name__ == "COCODataset"
    assert len(list(validation)) == 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", OFFICIAL_METHODS)
def test_the_official_fine_tuning_agrees_with_what_was_written(official: Workshop, tmp_path: Path, method: str) -> None:
    """tools/finetune.py makes switches of the method's name; the written configuration says the same without it."""
    params = Desk(tmp_path).finetune(config=str(official.model_yaml), method=method)
    done = prepare_finetune(params, official.checkout, CPU)
    config = importlib.import_module("maskrcnn_benchmark.config").cfg.clone()
    config.merge_from_file(str(done.config))
    written = config.dump()
    spec = importlib.util.spec_from_file_location("official_finetune", official.checkout / "tools" / "finetune.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.tuning_highlevel_override(config).dump() == written


def test_the_written_configuration_is_one_to_start_from(official: Workshop, tmp_path: Path) -> None:
    """A fine-tuned model is evaluated, and tuned further, with the configuration of its run."""
    desk = Desk(tmp_path)
    first = prepare_finetune(desk.finetune(config=str(official.model_yaml), method="prompt_v2"), official.checkout, CPU)
    params = desk.evaluate(config=str(first.config), output=str(tmp_path / "measured"))
    done = prepare_evaluate(params, official.checkout, CPU)
    keys = read_configuration(str(done.config), official.checkout, recipes.official_keys(official.checkout))
    assert keys[f"{FUSE}ADD_LINEAR_LAYER"] is True
    assert list(keys["DATASETS.REGISTER"]) == ["test"], "the training data of the first run is forgotten"


def test_tokens_are_counted_as_the_official_code_counts_them(official: Workshop) -> None:
    tokenizer = Tokenizer(str(official.bert))
    official_one = importlib.import_module("transformers").AutoTokenizer.from_pretrained("bert-base-uncased")
    text = "person. cup. horses and a photo"
    assert tokenizer.too_long(text, 3) == len(official_one(text)["input_ids"])
    assert tokenizer.too_long(text, 100) == 0
