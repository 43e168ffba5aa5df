"""The cheaper layout of self-aligned perplexity: the same own answers before every question, read once."""

import pytest

from sppl.metrics.sppl import SelfAlignedPerplexity
from sppl.schemas import UserError
from sppl.study.plan import ranking_of

pytestmark = pytest.mark.filterwarnings("default")
FIRST = ["metric=[sppl]", "metric.sppl.layout=examples_first", "strategy=[gpt4,claude]"]


def test_the_layout_is_in_the_name_and_another_context():
    both = [SelfAlignedPerplexity(2), SelfAlignedPerplexity(2, layout="examples_first")]
    assert [metric.name for metric in both] == ["sppl_n2", "sppl_fixed_n2"]
    assert [metric.needs()[0].name for metric in both] == ["self_aligned_n2", "fixed_n2"]
    with pytest.raises(ValueError, match="question_first, examples_first, got 'last'"):
        SelfAlignedPerplexity(2, layout="last")  # pyright: ignore[reportArgumentType]


def test_the_examples_are_read_once_for_the_whole_benchmark(stage, made, caplog):
    from sppl.scoring import packed

    stage("predict", made)
    read = []
    head = packed.read_prefix
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sppl.scoring.scorer.read_prefix", lambda model, tokens: (read.append(tokens), head(model, tokens))[1]
        )
        plan = stage("score", made, *FIRST, "scorer.max_tokens=500", "metric.sppl.n_examples=3")
    assert len(plan.to_make) == 2
    assert len(read) == 1
    assert len(read[0]) > 100  # three answers
    ranked = stage("rank", made, *FIRST, "metric.sppl.n_examples=3")
    frame = made.read(made.open(ranking_of(ranked)))
    assert set(frame["metric"]) == {"sppl_fixed_n3"}


def test_its_scores_are_those_of_one_prompt_at_a_time(stage, made, store):
    for one in (made, store):
        stage("predict", one)
    shared, padded = (stage("score", *given) for given in ((made, *FIRST), (store, *FIRST, "scorer.form=padded")))
    names = sorted([*shared.found, *shared.to_make])
    assert names == sorted(padded.to_make)
    for name in names:
        one, other = made.read(made.open(name)), store.read(store.open(name))
        assert abs(one["logprob"].mean() - other["logprob"].mean()) < 1e-5


def test_examples_that_answer_a_scored_question_are_refused(stage, made):
    stage("predict", made)
    with pytest.raises(UserError, match=r"the last 2 of .* n_predict above n_score"):
        stage("score", made, *FIRST, "n_score=12")
