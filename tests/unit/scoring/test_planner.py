import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.scoring.planner import lower_bound, plan_passes
from sppl.scoring.requests import ScoringRequest

TOKENS = st.lists(st.integers(0, 3), max_size=6).map(tuple)
REQUESTS = st.lists(st.tuples(TOKENS, TOKENS.filter(bool)), min_size=1, max_size=12).map(
    lambda pairs: [ScoringRequest(prefix, response, index) for index, (prefix, response) in enumerate(pairs)]
)
FORMS = ["padded", "tree", "prefix_cache"]


def test_an_empty_response_is_refused():
    with pytest.raises(ValueError, match="request 3: the response has no token"):
        ScoringRequest((1,), (), 3)


def test_the_first_token_after_an_empty_prefix_is_not_scored():
    assert ScoringRequest((), (5, 6)).n_scored == 1
    assert ScoringRequest((1,), (5, 6)).n_scored == 2


def test_the_lower_bound_counts_each_prefix_once_and_no_last_response_token():
    same_question = [ScoringRequest((1, 2, 3), (4, 5), 0), ScoringRequest((1, 2, 3), (6, 7, 8), 1)]
    assert lower_bound(same_question) == 3 + 1 + 2
    assert lower_bound([*same_question, ScoringRequest((9,), (4,), 2)]) == 3 + 1 + 2 + 1


def test_padding_counts_as_computed():
    (only,) = plan_passes(
        [ScoringRequest((1, 2, 3), (4, 5), 0), ScoringRequest((1,), (4, 5), 1)], max_tokens=8, form="padded"
    )
    assert only.tokens == 2 * 4


def test_shared_forms_compute_a_prefix_once():
    (only,) = plan_passes(
        [ScoringRequest((1, 2, 3), (4, 5), 0), ScoringRequest((1, 2, 3), (6, 7, 8), 1)], max_tokens=99, form="tree"
    )
    assert only.tokens == 6


def test_a_group_over_the_budget_is_split_and_its_prefix_kept_as_a_head():
    requests = [ScoringRequest((1, 2, 3), (4, 5, 6), index) for index in range(3)]
    passes = plan_passes(requests, max_tokens=4, form="tree")
    assert [(one.form, one.cached, one.tokens) for one in passes] == [
        ("prefix_cache", (1, 2, 3), 3 + 4),
        ("prefix_cache", (1, 2, 3), 2),
    ]


def test_a_long_beginning_of_several_prefixes_is_computed_once():
    beginning = tuple(range(100, 150))
    requests = [ScoringRequest((*beginning, question, question), (7, 8), question) for question in range(10)]
    passes = plan_passes(requests, max_tokens=12, form="tree")
    assert {one.cached for one in passes} == {beginning}
    assert sum(one.tokens for one in passes) == 50 + 10 * (2 + 1)


@pytest.mark.parametrize(("cost", "cached"), [(44, True), (45, False)])
def test_a_beginning_is_kept_only_if_it_saves_more_than_the_two_passes_it_takes(cost, cached):
    beginning = tuple(range(100, 110))
    requests = [ScoringRequest((*beginning, question), (7, 8), question) for question in range(10)]
    passes = plan_passes(requests, max_tokens=1000, form="tree", pass_cost=cost)
    assert {one.cached for one in passes} == ({beginning} if cached else {()})  # 9 times 10 tokens


def test_the_prefix_of_a_large_group_is_kept_where_reading_it_again_would_take_longer_than_passes():
    requests = [ScoringRequest(tuple(range(30)), (4, 5, 6), index) for index in range(8)]
    kept, read = (plan_passes(requests, max_tokens=34, form="tree", pass_cost=cost) for cost in (44, 45))
    assert [one.tokens for one in kept] == [30 + 16]
    assert [one.tokens for one in read] == [34] * 4  # 3 times 30 tokens are no more than two passes of 45


@given(requests=REQUESTS, max_tokens=st.integers(1, 30), cost=st.integers(0, 20))
def test_whatever_a_pass_costs_every_request_is_in_one_pass_and_the_budget_holds(requests, max_tokens, cost):
    passes = plan_passes(requests, max_tokens=max_tokens, form="tree", pass_cost=cost)
    assert sorted(request.index for one in passes for request in one.requests) == list(range(len(requests)))
    assert all(one.row_tokens <= max_tokens or len(one.requests) == 1 for one in passes)


def test_a_short_common_beginning_is_not_worth_a_head():
    requests = [ScoringRequest((9, *range(question, question + 30)), (7, 8), question) for question in range(10)]
    assert {one.form for one in plan_passes(requests, max_tokens=40, form="tree")} == {"tree"}


@pytest.mark.parametrize("form", FORMS)
def test_a_request_over_the_budget_gets_its_own_pass(form):
    passes = plan_passes(
        [ScoringRequest((1,) * 9, (2, 3), 0), ScoringRequest((1,), (2, 3), 1)], max_tokens=4, form=form
    )
    assert [[request.index for request in one.requests] for one in passes] == [[0], [1]]


@pytest.mark.parametrize("form", FORMS)
@given(requests=REQUESTS, max_tokens=st.integers(1, 30))
def test_every_request_is_in_one_pass_and_the_budget_holds(form, requests, max_tokens):
    passes = plan_passes(requests, max_tokens=max_tokens, form=form)
    assert sorted(request.index for one in passes for request in one.requests) == list(range(len(requests)))
    assert all(one.row_tokens <= max_tokens or len(one.requests) == 1 for one in passes)


@pytest.mark.parametrize("form", FORMS)
@given(requests=REQUESTS, max_tokens=st.integers(1, 30), order=st.randoms())
def test_the_plan_does_not_depend_on_the_order_of_requests(form, requests, max_tokens, order):
    shuffled = order.sample(requests, len(requests))
    assert plan_passes(shuffled, max_tokens=max_tokens, form=form) == plan_passes(
        requests, max_tokens=max_tokens, form=form
    )


@given(requests=REQUESTS)
def test_the_shared_forms_compute_no_more_than_the_lower_bound_when_passes_are_large(requests):
    assert sum(one.tokens for one in plan_passes(requests, max_tokens=1000, form="tree")) <= lower_bound(requests)
    assert sum(one.tokens for one in plan_passes(requests, max_tokens=1000, form="prefix_cache")) == lower_bound(
        requests
    )


@pytest.mark.parametrize("form", ["padded", "tree"])
@given(requests=REQUESTS)
def test_the_longest_rows_and_groups_come_first(form, requests):
    passes = [one for one in plan_passes(requests, max_tokens=8, form=form) if not one.cached]
    lengths = [max(group.tokens for group in one.groups) for one in passes]
    assert lengths == sorted(lengths, reverse=True)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(ValueError, match="max_tokens"):
        plan_passes([ScoringRequest((1,), (2,))], max_tokens=0, form="padded")
