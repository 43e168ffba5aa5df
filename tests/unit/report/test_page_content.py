"""What a page says, given literal frames."""

import re

import pandas as pd
import pytest

from sppl.report.page import write_page
from tests.unit.report.frames import HOSTILE, Mean, examples, many_tasks, one_task, outcomes, report_of


def page_of(folder, frames, **given):
    path = write_page(
        folder, name=given.pop("name", "small"), provenance={"command": "python run.py"} | given, **frames
    )
    return path.read_text()


def seen(page: str) -> str:
    """The text of a page, tags taken out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    return folder, page_of(folder, one_task())


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    return folder, page_of(folder, many_tasks())


def test_the_same_frames_give_the_same_bytes(tmp_path, one):
    folder, page = one
    assert page_of(tmp_path, one_task()) == page
    for plot in sorted((folder / "plots").glob("*.svg")):
        assert (tmp_path / "plots" / plot.name).read_bytes() == plot.read_bytes()


def test_every_panel_is_in_the_page_and_a_file_beside_it(one):
    folder, page = one
    kinds = {path.stem: path.read_text() for path in (folder / "plots").glob("*.svg")}
    expected = {
        f"{kind}-task-tiny-{metric}" for kind in ("ranking", "scatter", "questions") for metric in ("sppl_n2", "length")
    }
    assert set(kinds) == expected
    assert page.count("<svg role=") == len(kinds)
    assert all(text.startswith("<?xml") and "<svg" in text for text in kinds.values())


def test_names_are_text_and_never_markup(one):
    _, page = one
    assert page.count("<script>") == 1  # the page's own
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title" in page


def test_every_reference_inside_a_figure_has_exactly_one_target(one):
    _, page = one
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([\w-]+)', page)) == set(ids)


def test_nothing_is_asked_of_a_server(one):
    _, page = one
    addresses = set(re.findall(r"https?://[^\"' <]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page


def test_simulated_strategies_are_marked_in_the_table_and_in_the_plots(one):
    folder, page = one
    assert re.search(r"<td[^>]*>gpt4 \(simulated\)</td>", page)
    assert "gpt4 (simulated)" in (folder / "plots" / "scatter-task-tiny-sppl_n2.svg").read_text()
    assert "claude (simulated)" not in page


def test_the_ranking_is_said_in_words_with_how_far_it_can_be_trusted(one):
    text = seen(one[1])
    assert "gpt4 is ahead of claude by sppl_n2; on 1,000 resamples of the 3 questions" in text
    assert "not checked for this kind of data: no test bed has the benchmark task" in text
    assert "length, which has no direction and predicts nothing." in text


def test_what_is_said_of_several_metrics_is_said_once_with_their_names(tmp_path):
    values = {"gpt4": [1.0, 2.0, 3.0], "claude": [2.0, 3.0, 4.0]}
    metrics = [Mean("sppl_n2"), Mean("perplexity"), Mean("mine"), Mean("another")]
    scores = pd.concat([examples(one.name, values) for one in metrics], ignore_index=True)
    frames = report_of(scores, outcomes({"gpt4": 0.9, "claude": 0.5}), metrics)
    frames["rankings"]["note"] = "on the 3 questions of the race"
    text = seen(page_of(tmp_path, frames))
    shown = text[text.index("task / tiny gpt4 is ahead") : text.index("Ranking")]
    assert shown.count("How far such a pick can be trusted") == 2
    assert "sppl_n2, perplexity: How far such a pick" in shown
    assert "mine, another: How far such a pick" in shown
    assert "or this metric." in shown
    assert text.count("sppl_n2, perplexity, mine, another: on the 3 questions of the race.") == 1


def test_every_missing_value_says_why(one):
    text = seen(one[1])
    assert "n/a in sppl_n2, length: the untrained target is no strategy and has no score" in text
    assert "n/a in picks, pick beats runner-up, accuracy of the pick, regret: the metric has no direction" in text
    assert "n/a in pick beats runner-up: not checked for this kind: no test bed has the benchmark task" in text
    assert not re.search(r"\b(nan|NaN|None|&lt;NA&gt;)\b", text)


def test_slice_means_have_no_intervals_and_no_scores_of_questions_and_say_so(many):
    text = seen(many[1])
    assert "how sure that is cannot be said: there are no scores per question" in text
    assert "Scores of single questions of ifd: n/a (slice means only)" in text
    assert "n/a in interval: no scores per question, so nothing to resample" in text
    assert "n/a in gain: the untrained target was not benchmarked" in text


def test_many_pairs_are_folded_and_one_pair_is_not(one, many):
    assert many[1].count("<summary>task") == 6
    assert "<summary>task" not in one[1]


def test_a_heat_map_shows_each_task_and_where_the_correlation_is_undefined(one, many):
    drawn = (many[0] / "plots" / "spearman-ifd.svg").read_text()
    assert drawn.count(">1.00<") == 5
    assert drawn.count(">n/a<") == 1
    assert not list((one[0] / "plots").glob("spearman*"))


def test_only_the_metrics_asked_for_are_drawn_and_the_page_says_so(tmp_path):
    path = write_page(tmp_path, name="part", provenance={}, drawn=["sppl_n2"], **one_task())
    assert not list((tmp_path / "plots").glob("*length*"))
    assert "Plots per pair of sppl_n2 only; the tables have all metrics." in seen(path.read_text())


def test_results_without_any_ranking_still_make_a_page(tmp_path):
    frames = one_task()
    rows = frames["rows"][
        [
            "benchmark",
            "target_model",
            "strategy",
            "accuracy",
            "accuracy_se",
            "accuracy_low",
            "accuracy_high",
            "n_seeds",
            "gain",
            "rank_accuracy",
            "note",
        ]
    ]
    frames |= {
        "rows": rows,
        "rankings": frames["rankings"][:0],
        "judged": frames["judged"][:0],
        "scores": None,
        "chances": None,
    }
    text = seen(page_of(tmp_path, frames))
    assert "nothing was ranked" in text
    assert "0.900 [0.826, 0.945] (1)" in text


def test_scores_without_any_training_show_the_ranking_and_say_what_is_missing(tmp_path):
    frames = one_task()
    empty = dict.fromkeys(
        ("accuracy", "accuracy_se", "accuracy_low", "accuracy_high", "n_seeds", "gain", "rank_accuracy"), pd.NA
    )
    frames["rows"] = frames["rows"].assign(**empty, note="no accuracy: not trained or not benchmarked")
    text = seen(page_of(tmp_path, frames))
    assert (tmp_path / "plots" / "ranking-task-tiny-sppl_n2.svg").exists()
    assert "Score against accuracy: n/a (no strategy was both scored and trained)." in text
    assert "n/a in accuracy, seeds, gain: no accuracy: not trained or not benchmarked" in text


def test_a_note_about_some_strategies_names_them_and_one_about_all_does_not(tmp_path):
    frames = one_task()
    raced = frames["rankings"]["metric"] == frames["rankings"]["metric"].iloc[0]
    first, *others = frames["rankings"].loc[raced, "strategy"]
    assert others
    frames["rankings"]["note"] = "of 20 questions"
    frames["rankings"].loc[raced, "note"] = ["won the race", *["dropped out"] * len(others)]
    text = seen(page_of(tmp_path, frames))
    assert re.search(rf"{re.escape(first)}( \(simulated\))?: won the race", text)
    assert re.search(rf"{re.escape(others[0])}, [^:]*: dropped out", text)  # both others, once
    assert "of 20 questions" in text
    assert ": of 20 questions" not in text


def test_figures_of_an_earlier_page_are_removed(tmp_path):
    page_of(tmp_path, many_tasks())
    page_of(tmp_path, one_task())
    assert not list((tmp_path / "plots").glob("*ifd*"))


def test_provenance_is_shown_with_the_command_first(tmp_path):
    page = page_of(
        tmp_path, one_task(), commit="abc123", versions={"numpy": "2.0"}, artifacts=["rankings/a<b"], name="<b>"
    )
    assert "<code>python run.py</code>" in page
    assert "abc123" in page
    assert "numpy: 2.0" in page
    assert "rankings/a&lt;b" in page
    assert "<h1>&lt;b&gt;</h1>" in page


def test_settings_that_vary_are_columns_and_get_their_own_scatter_plot_and_row_of_the_heat_map(tmp_path):
    small, large = (
        outcomes({"gpt4": best, "claude": 0.5}).assign(setup=f"n_train={n}") for n, best in ((12, 0.4), (24, 0.9))
    )
    scores = examples("ifd", {"gpt4": [1.0, 2.0], "claude": [2.0, 3.0]})
    frames = report_of(scores, pd.concat([small, large], ignore_index=True), [Mean("ifd")])
    page = page_of(tmp_path, frames)
    assert {path.stem for path in (tmp_path / "plots").glob("scatter*")} == {
        "scatter-task-tiny-n_train_12-ifd",
        "scatter-task-tiny-n_train_24-ifd",
    }
    assert "Score against accuracy (n_train 24)" in page
    assert '<button type="button">n_train</button>' in page
    drawn = (tmp_path / "plots" / "spearman-ifd.svg").read_text()
    assert ">task 12<" in drawn
    assert drawn.count(">-1.00<") == 1
    assert drawn.count(">1.00<") == 1
