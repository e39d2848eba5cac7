# ruff: noqa: E402
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

transformers = pytest.importorskip("transformers", reason="the requirements of the official engine are not installed")

from glip_worker.engines.official.compat.installation import install
from glip_worker.engines.official.compat.patches import transformers_bert
from glip_worker.engines.official.compat.patching import Changes, Settings
from glip_worker.errors import GlipError

WORDS = ["person", "cup", "cat", ".", "a", "##s", "photo", "of", "and"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A vocabulary with the special ids of bert-base-uncased, and a BERT of its size."""
    special = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    lines = [special.get(i, f"[unused{i}]") for i in range(104)] + WORDS
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}')
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": len(lines), **sizes}))
    return folder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    # No folder named bert-base-uncased, no cache, no network.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(transformers_bert, "try_to_load_from_cache", lambda *names: None)
    changes, chosen = Changes(), Settings()
    transformers_bert.bert(changes, chosen)
    yield chosen
    changes.undo()


def test_the_vocabulary_that_comes_along_is_the_published_one() -> None:
    data = (transformers_bert.PACKAGED / "vocab.txt").read_bytes()
    assert hashlib.sha256(data).hexdigest() == "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    assert data.count(b"\n") == 30522


def test_without_a_network_the_packaged_vocabulary_answers(settings: Settings) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained("bert-base-uncased")
    tokens = tokenizer(["A cup. Dogs!"])
    assert tokens["input_ids"][0] == [101, 1037, 2452, 1012, 6077, 999, 102]
    assert tokens.char_to_token(0, 2) == 2
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id) == (0, 100, 103)
    config = transformers.BertConfig.from_pretrained("bert-base-uncased")
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size) == (768, 12, 30522)


def test_a_folder_takes_its_place(settings: Settings, small: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings.bert = small
    tokenizer = transformers.AutoTokenizer.from_pretrained("bert-base-uncased")
    assert tokenizer("cups")["input_ids"] == [101, 105, 109, 102]
    model = transformers.BertModel.from_pretrained("bert-base-uncased", add_pooling_layer=False)
    assert model.config.hidden_size == 24
    assert model.pooler is None
    assert "random values until a checkpoint is loaded" in caplog.text
    model.save_pretrained(small)
    again = transformers.BertModel.from_pretrained("bert-base-uncased", add_pooling_layer=False)
    assert (again.embeddings.word_embeddings.weight == model.embeddings.word_embeddings.weight).all()


def test_a_folder_of_that_name_here_goes_before_the_packaged_one(settings: Settings, small: Path) -> None:
    small.rename("bert-base-uncased")
    assert transformers.BertConfig.from_pretrained("bert-base-uncased").hidden_size == 24


def test_a_folder_without_vocabulary_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.bert = tmp_path
    with pytest.raises(GlipError, match=r"no vocab\.txt and no tokenizer\.json\. Put the vocabulary") as error:
        transformers.AutoTokenizer.from_pretrained("bert-base-uncased")
    assert error.value.code == "weights_missing"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(GlipError, match=r"no vocab\.txt"):
        install(bert=tmp_path)
