"""One loud line where no response of any strategy is judged right."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

LOCAL = ["benchmark=local", "strategy=files", "metric=length"]


@pytest.fixture
def folder(tmp_path):
    """Two strategies' files and their questions; `ending` is what every response ends with."""

    def make(ending: str, gold: str) -> str:
        questions = [{"id": f"q{n}", "question": f"How many, {n}?", "answer": gold} for n in range(4)]
        (tmp_path / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in questions))
        for name in ("gpt4", "claude"):
            rows = [{"id": one["id"], "response": f"So. {ending}"} for one in questions]
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return f"data_dir={tmp_path}"

    return make


def said(stage, store, caplog, *overrides: str) -> list[str]:
    caplog.clear()
    stage("generate", store, *LOCAL, "n_score=4", "n_train=4", *overrides)
    return [record.getMessage() for record in caplog.records if "is judged right" in record.getMessage()]


def test_it_names_the_rule_and_shows_three_golds_beside_what_was_written(stage, store, folder, caplog):
    typed = replace(store, typed=("python run.py", "benchmark=local"))
    (line,) = said(stage, typed, caplog, folder("Final Answer: (B) seven", "7"), "benchmark.answer=number")
    assert "local: not one of the 8 responses of claude, gpt4 is judged right" in line
    assert "local_number" in line
    assert "benchmark.answer=number, choice or text" in line
    assert line.count("gold '7', response ending in 'So. Final Answer: (B) seven'") == 3


def test_one_right_response_is_enough_for_silence(stage, store, folder, caplog):
    where = folder("Final Answer: seven", "7")
    file = Path(where.removeprefix("data_dir="), "gpt4.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[2]["response"] = "Final Answer: 7"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert said(stage, store, caplog, where, "benchmark.answer=number") == []


def test_a_ranking_says_it_too(stage, store, folder, caplog):
    where = folder("Final Answer: seven", "7")
    more = [*LOCAL, where, "benchmark.answer=number", "n_score=4", "n_train=4", "n_predict=4"]
    for name in ("generate", "predict", "score"):
        stage(name, store, *more)
    caplog.clear()
    stage("rank", store, *more)
    assert [record.levelname for record in caplog.records if "is judged right" in record.getMessage()] == ["WARNING"]


def test_a_rule_that_calls_right_responses_wrong_is_doubted_before_ranking(stage, store, folder, caplog):
    where = folder("The result: 7 pens.", "7")
    file = Path(where.removeprefix("data_dir="), "gpt4.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row | {"response": "Final Answer: 7"}) + "\n" for row in rows))
    stage("generate", store, *LOCAL, where, "benchmark.answer=text", "n_score=4", "n_train=4")
    (line,) = [record.getMessage() for record in caplog.records if "right?" in record.getMessage()]
    assert "local: is benchmark.answer=text right? It judges 4 of 8 responses wrong, and 4 of those end with" in line
    assert line.count("gold '7', response ending in 'So. The result: 7 pens.'") == 3
    assert line.endswith(f"What each rule says of them: python run.py check benchmark=local {where}")
    caplog.clear()
    stage("generate", store, *LOCAL, where, "benchmark.answer=number", "n_score=4", "n_train=4")
    assert "right?" not in caplog.text


def test_responses_that_are_wrong_cast_no_doubt_on_the_rule(stage, store, folder, caplog):
    where = folder("Final Answer: 8", "7")
    file = Path(where.removeprefix("data_dir="), "gpt4.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row | {"response": "Final Answer: 7"}) + "\n" for row in rows))
    stage("generate", store, *LOCAL, where, "benchmark.answer=number", "n_score=4", "n_train=4")
    assert "right?" not in caplog.text
