import pytest

import sppl.data.hub
from sppl.data.hub import HubQuestions
from sppl.data.wording import Wording
from sppl.schemas import UserError

WORDING = Wording("{q}", answer="gold")
ROWS = [{"q": f"{n}?", "gold": str(n) if n != 3 else "three", "kind": "odd" if n % 2 else "even"} for n in range(10)]


@pytest.fixture
def hub(monkeypatch):
    """A hub data set that is a list: rows come one by one and are counted."""
    read = []

    def records(self, name):
        for row in ROWS:
            read.append(row)
            yield row

    monkeypatch.setattr(sppl.data.hub.HubQuestions, "_records", records)
    return read


def answers(one, split, n=None):
    return [question.answer for question in one.questions(split, n)]


def test_slices_are_taken_from_the_data_sets_own_splits_and_no_more_is_read_than_needed(hub):
    one = HubQuestions("a/b", WORDING, {"train": "all[:4]", "validation": "all[4:6]", "test": "all[6:]"})
    assert answers(one, "train", 2) == ["0", "1"]
    assert len(hub) == 2
    assert answers(one, "validation") == ["4", "5"]
    assert answers(one, "test") == ["6", "7", "8", "9"]


def test_records_of_another_kind_or_gold_answer_do_not_count(hub):
    one = HubQuestions("a/b", WORDING, {"train": "all[1:3]"}, where={"kind": "odd"}, gold=r"\d")
    assert answers(one, "train") == ["5", "7"]


def test_the_papers_splits_overlap_where_they_are_asked_for(hub):
    slices, paper = {"validation": "all[4:6]", "test": "all[6:]"}, {"validation": "all[6:8]"}
    assert answers(HubQuestions("a/b", WORDING, slices, paper=paper), "validation") == ["4", "5"]
    assert answers(HubQuestions("a/b", WORDING, slices, paper=paper, splits="paper"), "validation") == ["6", "7"]


def test_a_missing_field_names_row_and_field(hub):
    one = HubQuestions("a/b", Wording("{q}", answer="label"), {"train": "all"})
    with pytest.raises(UserError, match=r"a/b, all, row 0, field `label`: .* it has q, gold, kind"):
        one.questions("train")
    with pytest.raises(UserError, match="no test questions here; it has train"):
        one.questions("test")


def test_a_hub_id_without_network_is_an_error_that_says_what_else_there_is(monkeypatch):
    import datasets

    def unreachable(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(UserError, match=r"cannot be read from the hub: no route to host\. .*benchmark=local"):
        HubQuestions("a/b", WORDING, {"train": "all"}).questions("train")
