"""The study of a real model is a command of this program, with the words that were given in the place of its own."""

import runpy
from argparse import Namespace
from pathlib import Path

import pytest

from sppl.cli.composing import check_words

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "experiments" / "real_llm" / "study.py"), run_name="study")


@pytest.mark.parametrize("task", ["words", "ecqa"])
@pytest.mark.parametrize("on", ["cpu", "gpu"])
def test_what_is_given_takes_the_place_of_the_studys_own_words(task, on, monkeypatch):
    monkeypatch.setenv("SPPL_UPSTREAM", "records")
    given = ["strategy=[gpt4,step_by_step]", "n_train=200", "seed=0"]
    words = STUDY["command"](task, Namespace(on=on, per_gpu=4, given=given))[2:]
    assert words[-3:] == given
    assert len({word.partition("=")[0] for word in words}) == len(words)
    assert check_words(words) == ""


def test_without_given_words_a_gpu_has_a_job_per_strategy_and_a_cpu_one_job(monkeypatch):
    monkeypatch.setenv("SPPL_UPSTREAM", "records")
    gpu, cpu = (STUDY["command"]("ecqa", Namespace(on=on, per_gpu=4, given=[])) for on in ("gpu", "cpu"))
    assert "strategy=gpt4,claude,mini_gpt4,step_by_step,human_examples,gpt4_examples,rewrite" in gpu
    assert "strategy=[gpt4,claude,mini_gpt4,step_by_step,human_examples,gpt4_examples,rewrite]" in cpu
    for words in (gpu, cpu):  # several values are a sweep's, and a sweep is asked for
        assert any("," in word and "[" not in word for word in words) == ("-m" in words)
