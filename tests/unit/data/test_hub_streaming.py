"""Data sets are streamed by `datasets` itself; for want of the hub they are folders of data files."""

import json
import logging

import pandas as pd
import pytest

from sppl.data.files import LocalQuestions, LocalResponses, strategies_in
from sppl.data.hub import HubQuestions, read_hub
from sppl.data.wording import Wording
from sppl.schemas import UserError

pytestmark = pytest.mark.filterwarnings("default")
SETTINGS = {"subset": None, "revision": "main", "train": "train", "validation": None, "test": None, "rows": 100}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    read_hub.cache_clear()


@pytest.fixture
def shards(tmp_path):
    """A data set of two shards, of which the second cannot be read."""
    folder = tmp_path / "big-set"
    folder.mkdir()
    rows = [{"q": f"{n} + 1?", "gold": str(n + 1)} for n in range(50)]
    pd.DataFrame(rows).to_parquet(folder / "train-00000-of-00002.parquet")
    (folder / "train-00001-of-00002.parquet").write_bytes(b"this is no parquet file")
    return folder


def test_only_as_much_of_a_large_data_set_is_read_as_is_asked_for(shards):
    one = HubQuestions(str(shards), Wording("{q}", answer="gold"), {"train": "train"})
    assert [question.answer for question in one.questions("train", 3)] == ["1", "2", "3"]
    with pytest.raises(UserError, match="cannot be read from the hub"):
        one.questions("train", 60)


def test_a_hub_set_of_responses_is_a_strategy_and_its_test_split_questions(tmp_path, caplog):
    folder = tmp_path / "my.answers"
    folder.mkdir()
    rows = [{"prompt": f"{n} + 1?", "completion": f"it is {n + 1}", "gold_label": str(n + 1)} for n in range(6)]
    test = [{"prompt": "7 + 1?", "completion": None, "gold_label": "8"}]
    for name, records in (("train", rows), ("test", test)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in records))
    place, hub = f"hub:{folder}", SETTINGS | {"test": "test", "rows": 4}
    with caplog.at_level(logging.WARNING):
        strategies = strategies_in(folder=place, hub=hub)
    assert list(strategies) == ["my_answers"]
    assert "the first 4 rows were read; more: benchmark.questions.hub.rows=N" in caplog.text
    asked = LocalQuestions(place, hub=hub).questions("train")
    assert len(asked) == 4
    found = LocalResponses(place, hub=hub).respond(strategies["my_answers"], asked)
    assert found == ["it is 1", "it is 2", "it is 3", "it is 4"]
    assert [one.answer for one in LocalQuestions(place, hub=hub).questions("test")] == ["8"]


def test_a_hub_set_with_a_field_strategy_holds_several_and_a_bad_row_is_named(tmp_path):
    folder = tmp_path / "both"
    folder.mkdir()
    rows = [{"strategy": s, "question": "1 + 1?", "response": s, "gold_label": "2"} for s in ("p", "q")]
    pd.DataFrame(rows).to_parquet(folder / "train.parquet")
    place = f"hub:{folder}"
    assert list(strategies_in(folder=place, hub=SETTINGS)) == ["p", "q"]
    pd.DataFrame([*rows, {**rows[0], "response": " "}]).to_parquet(folder / "train.parquet")
    read_hub.cache_clear()
    with pytest.raises(UserError, match=r"both, line 3, field `response`: no response, or an empty one"):
        LocalQuestions(place, hub=SETTINGS).questions("train")


def test_a_hub_id_that_cannot_be_reached_is_told_with_what_else_there_is(tmp_path, monkeypatch):
    import datasets

    def unreachable(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(UserError, match=r"some/one .*cannot be read from the hub: no route to host"):
        strategies_in(folder="hub:some/one", hub=SETTINGS)


def test_class_labels_of_a_hub_set_are_read_as_the_words_they_stand_for(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    folder = tmp_path / "labelled"
    folder.mkdir()
    features = Features(
        {"question": Value("string"), "response": Value("string"), "label": ClassLabel(names=["no", "yes"])}
    )
    rows = {"question": ["1?", "2?", "3?"], "response": ["r"] * 3, "label": [1, 0, 1]}
    Dataset.from_dict(rows, features=features).to_parquet(folder / "train.parquet")
    found = LocalQuestions(f"hub:{folder}", hub=SETTINGS).questions("train")
    assert [question.answer for question in found] == ["yes", "no", "yes"]
    with pytest.raises(UserError, match=r"labelled, line 1, field `gold_label`: 'yes' is no label of ABCDEFGHIJ"):
        LocalQuestions(f"hub:{folder}", "choice", hub=SETTINGS).questions("train")
