"""Numbers of questions fit a user's own files, also once some questions are held out to test and to settle on."""

import json
import logging

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

import sppl.cli.app  # noqa: F401 (it registers the resolvers)
from sppl.cli.sizes import fit_sizes, why_unsettled
from sppl.packaged import conf
from sppl.schemas import UserError


@pytest.fixture
def rows(tmp_path):
    """Writes files with so many questions each, none of them twice; those of a strategy are the training questions."""

    def write(**files: int) -> str:
        at = 0
        for name, n in files.items():
            asked = [{"question": f"What is {at + k} + 1?", "response": str(at + k + 1), "gold": "1"} for k in range(n)]
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked))
            at += n
        return str(tmp_path)

    return write


def fitted(folder: str, *typed: str):
    words = ["benchmark=local", "benchmark.answer=number", f"data_dir={folder}", *typed]
    with initialize_config_dir(str(conf()), version_base="1.3"):
        cfg = compose("config", words)
    fit_sizes(cfg, instantiate(cfg.benchmark.questions), words)
    return cfg


def asked(cfg, split: str) -> list[str]:
    return [one.prompt for one in instantiate(cfg.benchmark.questions).questions(split)]


SETTLE = "stage=[generate,predict,score,shortlist,rank,report]"


def test_for_a_shortlist_the_last_questions_are_held_out_to_test_and_those_before_them_to_settle_on(rows, caplog):
    caplog.set_level(logging.INFO)
    cfg = fitted(rows(a=30), SETTLE)
    said = [f"What is {n} + 1?" for n in range(30)]
    assert (asked(cfg, "train"), asked(cfg, "validation"), asked(cfg, "test")) == (said[:19], said[19:24], said[24:])
    assert (cfg.n_predict, cfg.n_score, cfg.n_train, cfg.n_pilot, cfg.policy.n_pilot) == (19,) * 5
    assert (cfg.n_validation, cfg.n_test) == (5, 6)
    assert "no validation questions, so the last 5 of the others are held out to settle on" in caplog.text


def test_the_full_loop_tests_on_the_same_questions_as_were_kept_from_the_shortlist(rows):
    folder = rows(a=30)
    assert asked(fitted(folder, SETTLE), "test") == asked(fitted(folder, "stage=[finetune,benchmark]"), "test")


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        ({"a": 20, "validation": 4}, (16, 4, 4)),
        ({"a": 20, "test": 5}, (16, 4, 5)),
        ({"a": 20, "validation": 3, "test": 2}, (20, 3, 2)),
        ({"a": 3}, (1, 1, 1)),
    ],
)
def test_only_what_the_files_lack_is_held_out(rows, files, counts):
    cfg = fitted(rows(**files), SETTLE)
    assert tuple(len(asked(cfg, split)) for split in ("train", "validation", "test")) == counts
    assert (cfg.n_pilot, cfg.n_validation) == counts[:2]


def test_best_weights_are_selected_on_questions_that_are_held_out_too(rows):
    cfg = fitted(rows(a=30), "stage=[finetune,benchmark]", "training.select=best")
    assert (len(asked(cfg, "validation")), cfg.training.n_validation) == (5, 5)


def test_a_typed_number_is_lowered_where_questions_are_held_out_and_kept_where_the_files_have_too_few(rows):
    folder = rows(a=30)
    cfg = fitted(folder, SETTLE, "n_score=25", "policy.n_pilot=20", "n_train=31", "n_predict=10", "n_validation=50")
    assert (cfg.n_score, cfg.policy.n_pilot, cfg.n_train, cfg.n_predict, cfg.n_validation) == (19, 19, 31, 10, 5)
    assert fitted(folder, "stage=[score]", "n_score=31").n_score == 31


def test_questions_that_are_left_out_do_not_count(rows):
    folder = rows(a=10)
    first = instantiate(fitted(folder, "stage=[score]").benchmark.questions).questions("train", 1)[0].id
    assert fitted(folder, "stage=[score]", f"benchmark.without=['{first}']").n_score == 9


def test_pilots_that_a_metric_reads_fit_too(rows):
    cfg = fitted(rows(a=30), "metric=[train_then_test]", "stage=[pilot_finetune,pilot_benchmark,score]")
    assert (cfg.n_pilot, cfg.n_test) == (24, 6)


def test_numbers_that_nothing_in_the_run_reads_are_left_as_they_are(rows):
    cfg = fitted(rows(a=30), "stage=[predict,score]")
    assert (cfg.n_pilot, cfg.n_validation) == (100, 200)


@pytest.mark.parametrize(("split", "setting"), [("test", "held_out"), ("validation", "held_out_validation")])
def test_the_refusal_of_missing_questions_names_the_file_and_the_setting(rows, split, setting):
    with pytest.raises(UserError, match=rf"put them into {split}\.jsonl .* benchmark\.questions\.{setting}=0\.2"):
        asked(fitted(rows(a=5), "stage=[score]"), split)


@pytest.mark.parametrize(
    ("files", "answer", "why"),
    [
        ({"a": 3}, "number", ""),
        ({"a": 2}, "number", "2 training questions are too few"),
        ({"a": 2, "validation": 1}, "number", ""),
        ({"a": 9}, "none", "without gold answers there are none"),
    ],
)
def test_what_a_folder_lacks_for_settling_is_known_beforehand(rows, files, answer, why):
    cfg = fitted(rows(**files), "stage=[score]", f"benchmark.answer={answer}")
    said = why_unsettled(cfg.benchmark, instantiate(cfg.benchmark.questions))
    assert why in said
    assert bool(said) == bool(why)
