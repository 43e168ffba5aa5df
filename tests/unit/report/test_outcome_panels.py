"""What a page draws of outcomes: paired differences, and accuracy along what was swept."""

import re

import pandas as pd

from sppl.analysis.paired import compare_pairs
from sppl.report.gallery import Gallery
from sppl.report.outcome_panels import draw_paired_panels, draw_setting_panels


def answers(setup: str = "") -> pd.DataFrame:
    right = {"a": [1.0, 1.0, 0.0, 0.0], "b": [1.0, 1.0, 1.0, 1.0]}
    rows = [{"strategy": name, "question_id": f"q{at}", "correct": value}
            for name, values in right.items() for at, value in enumerate(values)]  # fmt: skip
    return pd.DataFrame(rows).assign(benchmark="x", target_model="t", setup=setup, seed=0)


def rows(**reached: dict[str, float]) -> pd.DataFrame:
    """`value of n_train: {strategy: accuracy}`."""
    found = [
        {"n_train": size.lstrip("n"), "strategy": name, "accuracy": accuracy, "accuracy_low": accuracy - 0.1,
         "accuracy_high": accuracy + 0.1}
        for size, strategies in reached.items()
        for name, accuracy in strategies.items()
    ]  # fmt: skip
    return pd.DataFrame(found)


def test_a_difference_is_drawn_from_the_best_strategy(tmp_path):
    gallery = Gallery(tmp_path)
    (figure,) = draw_paired_panels(compare_pairs(answers()), {"": "b"}, "x / t", gallery)
    assert ">b - a<" in figure
    assert (tmp_path / "differences-x-t.svg").exists()


def test_without_comparisons_nothing_is_drawn(tmp_path):
    assert draw_paired_panels(pd.DataFrame(), {}, "x / t", Gallery(tmp_path)) == []


def test_a_setting_with_several_numbers_is_drawn_with_a_line_per_strategy(tmp_path):
    table = rows(n100={"a": 0.4, "b": 0.5, "untrained": 0.2}, n200={"a": 0.6, "b": 0.5, "untrained": 0.2})
    (figure,) = draw_setting_panels(table, ["n_train"], {"a": "a (simulated)"}, "x / t", Gallery(tmp_path))
    words = set(re.findall(r">[^<>]+<", figure))
    assert {">a (simulated)<", ">b<", ">untrained<", ">100<", ">200<", ">n_train<"} <= words


def test_a_setting_that_is_no_number_or_has_one_value_is_not_drawn(tmp_path):
    table = rows(n100={"a": 0.4, "b": 0.5})
    assert draw_setting_panels(table, ["n_train"], {}, "x / t", Gallery(tmp_path)) == []
    words = rows(cosine={"a": 0.4}, constant={"a": 0.5})
    assert draw_setting_panels(words, ["n_train"], {}, "x / t", Gallery(tmp_path)) == []


def test_each_combination_of_the_other_settings_has_a_drawing_of_its_own(tmp_path):
    table = pd.concat([rows(n100={"a": 0.4}, n200={"a": 0.5}).assign(learning_rate=rate) for rate in ("0.1", "0.2")])
    drawn = draw_setting_panels(table, ["learning_rate", "n_train"], {}, "x / t", Gallery(tmp_path))
    assert len(drawn) == 4
    assert "learning_rate 0.1" in "".join(drawn)


def test_a_caption_is_said_once(tmp_path):
    gallery = Gallery(tmp_path)
    assert gallery.once("what a dot is") == "what a dot is"
    assert gallery.once("what a dot is") == ""
