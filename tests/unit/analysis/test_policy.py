"""What a policy of shortlisting allows."""

import pytest

from sppl.analysis.pilot_cost import estimate
from sppl.analysis.policy import Policy
from sppl.schemas import UserError


def test_a_pilot_is_trained_for_every_strategy_and_seed():
    assert Policy(k=3, seeds=[0, 1]).trainings == 6


@pytest.mark.parametrize(
    "wrong",
    [{"k": 1}, {"k": 0}, {"k": True}, {"n_pilot": 0}, {"epochs": 0}, {"epochs": 1.5}]
    + [{"seeds": seeds} for seeds in ([], [0, 0], [-1], "01", 0)],
)
def test_what_cannot_be_is_refused_with_its_name(wrong):
    with pytest.raises(UserError, match=f"policy.{next(iter(wrong))}="):
        Policy(**wrong)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(UserError, match=r"policy\.n_pilot=0.*policy\.k=1"):
        Policy(k=1, n_pilot=0)


def test_no_more_are_shortlisted_than_compete():
    Policy(k=2).check(["a", "b"])
    with pytest.raises(UserError, match=r"policy.k=3.*of 2 that compete in this job \(a, b\): policy.k=2"):
        Policy(k=3).check(["a", "b"])


def test_the_cost_is_tokens_times_epochs_and_the_pace_of_scoring():
    policy = Policy(k=2, n_pilot=10, epochs=2)
    lengths = {"a": [(4, 6), (4, 6)], "b": [(4, 26)]}  # 10 and 30 tokens of question and response
    cost = estimate(policy, lengths, 5, scored={"passes": 2.0, "seconds": 0.2}, predicted={"seconds": 3.0, "rows": 6})
    assert cost.trained == 10 * 2 * (10 + 30)
    assert cost.answers == 3 * 5  # two pilots and the untrained target
    assert cost.written == 15 * 16  # as long as the mean response
    # a pass takes .1 s: 40 examples of three passes each; an answer takes .5 s
    assert cost.seconds == pytest.approx(40 * 3 * 0.1 + 15 * 0.5)


def test_an_unknown_pace_is_said_to_be_unknown():
    cost = estimate(
        Policy(), {"a": [(4, 6)], "b": [(4, 6)]}, 5, scored={"passes": None, "seconds": None}, predicted=None
    )
    assert "seconds are not known" in str(cost)
