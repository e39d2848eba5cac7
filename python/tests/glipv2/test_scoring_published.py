"""Published figures: the rows that both languages read."""

from __future__ import annotations

from glipv2.scoring.published import published


def test_each_row_has_its_source_and_its_setting() -> None:
    rows = published()
    assert len(rows) == 133
    assert {row.setting for row in rows} == {"zero-shot", "pre-trained", "fine-tuned"}
    assert all("https://" in row.source and 0 < row.value < 100 for row in rows)
    assert len({row[:3] + row[4:] for row in rows}) == len(rows)


def test_a_benchmark_is_chosen_by_its_name_or_what_it_starts_with() -> None:
    minival = {(row.model, row.metric): row.value for row in published("lvis/minival")}
    assert minival["GLIP-L", "APr"] == 29.3
    assert minival["GLIPv2-H", "AP"] == 59.8
    assert {row.benchmark for row in published("lvis")} == {"lvis/minival", "lvis/val"}
    assert {row.benchmark for row in published("refcoco")} == {"refcoco/val", "refcoco/testA", "refcoco/testB"}
    assert published("imagenet") == []
