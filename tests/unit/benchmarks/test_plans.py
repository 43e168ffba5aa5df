"""PlanBench: the last problem of the prompt is simulated."""

import itertools
import random

import pytest

from sppl.benchmarks.answers import plans
from sppl.benchmarks.answers.blocksworld import ARITY, after, facts, plan_in, steps
from sppl.schemas import UserError

EXAMPLE = """[STATEMENT]
As initial conditions I have that, the red block is clear, the hand is empty and the red block is on the table.
My goal is to have that the red block is on the table.

My plan is as follows:

[PLAN]
[PLAN END]

"""

# Yellow stands on orange, red on blue.
PROBLEM = """[STATEMENT]
As initial conditions I have that, the red block is clear, the yellow block is clear, the hand is empty, the red block \
is on top of the blue block, the yellow block is on top of the orange block, the blue block is on the table and the \
orange block is on the table.
My goal is to have that the orange block is on top of the red block.

My plan is as follows:

[PLAN]
"""

PLAN = "(unstack yellow orange)\n(put-down yellow)\n(pick-up orange)\n(stack orange red)"


def right(text: str, prompt: str = EXAMPLE + PROBLEM) -> bool:
    return plans.judge({"prompt": prompt, "answer": ""}, [text]) == {"accuracy": 1.0}


@pytest.mark.parametrize(
    "answer",
    [
        PLAN,
        "\n" + PLAN.upper(),
        PLAN.replace(" ", ", "),
        PLAN.replace("put-down", "put down").replace("pick-up", "pickup"),
        "1. " + PLAN.replace("\n", "\n- "),
        PLAN.replace("(put-down yellow)", "(put-down yellow) // (the hand is free again)"),
        PLAN + "\n[PLAN END]\n(stack red blue)",
        "(unstack the yellow block from on top of the orange block)" + PLAN.removeprefix("(unstack yellow orange)"),
        "unstack the yellow block from on top of the orange block\nput down the yellow block\n"
        "pick up the orange block\nstack the orange block on top of the red block",
    ],
)
def test_a_plan_that_reaches_the_goal_is_right_in_the_usual_spellings(answer):
    assert right("First (unstack red blue), no.\nFinal Answer: " + answer)


def test_another_plan_than_the_gold_one_is_right_if_it_reaches_the_goal():
    detour = PLAN.replace("(put-down yellow)", "(put-down yellow)\n(pick-up yellow)\n(put-down yellow)")
    assert right("Final Answer: " + detour)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "()",
        "(unstack yellow orange)\n(put-down yellow)",
        PLAN.replace("(put-down yellow)\n", ""),
        PLAN.replace("yellow", "green"),
        PLAN.replace("(pick-up orange)", "(move orange)"),
        PLAN.replace("(pick-up orange)", "(pick-up)"),
        "(stack orange red)\n" * 1000,
        "see above",
    ],
)
def test_a_plan_that_cannot_be_done_or_stops_short_is_wrong(answer):
    assert not right("Final Answer: " + answer)


def test_without_a_mark_a_bare_plan_or_the_last_plan_block_is_read():
    assert right(PLAN)
    assert right("[PLAN]\n(stack red blue)\n[PLAN END]\nNo:\n[PLAN]\n" + PLAN + "\n[PLAN END]")


def test_an_empty_plan_must_be_said_to_count_where_the_goal_holds_already():
    assert right("Nothing to do.\nFinal Answer: ()", EXAMPLE)
    assert right("Final Answer: no actions needed.", EXAMPLE)
    assert not right("Nothing to do.", EXAMPLE)
    assert not right("Final Answer: I do not know", EXAMPLE)


EVENT = (
    PROBLEM
    + """unstack the yellow block from on top of the orange block
put down the yellow block
pick up the orange block
stack the orange block on top of the red block
[PLAN END]

During execution, an unexpected event has occurred.
After executing the action "pick up the orange block" at step 3 in the plan, the following facts unexpectedly became \
true: the orange block is clear, the hand is empty and the orange block is on top of the yellow block
The following facts became unexpectedly false: the yellow block is clear and the hand is currently holding orange block
After re-planning from the new state, the plan is as follows:
[PLAN]
"""
)


def test_a_replanned_plan_starts_after_the_unexpected_event():
    assert right("Final Answer: (unstack orange yellow)\n(stack orange red)", EVENT)
    assert not right("Final Answer: " + PLAN, EVENT)
    assert not right("Final Answer: (stack orange red)", EVENT)


def test_an_optimal_plan_costs_no_more_than_the_gold_one():
    prompt = PROBLEM.replace(
        "My goal", "It takes 1 minute to pick up a block. It takes 5 minutes to stack a block.\nMy goal"
    )
    row = {"prompt": prompt, "answer": PLAN}
    detour = PLAN.replace("(put-down yellow)", "(put-down yellow)\n(pick-up yellow)\n(put-down yellow)")
    assert plans.problem(prompt).cost(plans.plan(PLAN)) == 1 + 1 + 1 + 5
    assert plans.judge_optimal(row, ["Final Answer: " + PLAN]) == {"accuracy": 1.0}
    assert plans.judge_optimal(row, ["Final Answer: " + detour]) == {"accuracy": 0.0}


def test_colours_beyond_the_first_few_are_blocks_too_where_the_authors_check_called_all_plans_wrong():
    prompt = """[STATEMENT]
As initial conditions I have that, the cyan block is clear, the violet block is clear, the hand is empty, the cyan \
block is on the table and the violet block is on the table.
My goal is to have that the violet block is on top of the cyan block.
My plan is as follows:
[PLAN]"""
    assert right("Final Answer: (pick-up violet)\n(stack violet cyan)", prompt)


def test_an_executed_state_is_right_if_its_facts_are_the_gold_ones_in_any_order():
    gold = "the blue block is clear, the hand is currently holding red block, the blue block is on the table"
    row = {"prompt": "", "answer": gold}
    same = (
        "Final Answer: The hand is holding the red block, the blue block is on the table and the blue block is clear."
    )
    assert plans.judge_execution(row, ["The red block is clear.\n" + same]) == {"accuracy": 1.0}
    assert plans.judge_execution(row, [same + " The red block is clear."]) == {"accuracy": 0.0}
    assert plans.judge_execution(row, ["Final Answer: the blue block is clear"]) == {"accuracy": 0.0}
    assert plans.judge_execution(row, [""]) == {"accuracy": 0.0}


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        ("The above plan is valid.", True),
        ("valid", True),
        ("The above plan is invalid. This is the unmet goal condition", False),
        ("The plan is not valid", False),
        ("", None),
        ("unclear", None),
    ],
)
def test_a_verification_is_judged_by_valid_or_invalid_alone(answer, valid):
    for gold in (True, False):
        row = {
            "prompt": "",
            "answer": "The above plan is valid." if gold else "The above plan is invalid.The following",
        }
        verdict = plans.judge_verification(row, [f"It looks valid at first.\nFinal Answer: {answer}"])
        assert verdict == {"accuracy": float(valid is gold)}


def test_a_prompt_without_a_problem_is_the_users_mistake():
    with pytest.raises(UserError, match="states no Blocksworld problem"):
        plans.judge({"prompt": "How many plums?", "answer": ""}, ["Final Answer: (pick-up red)"])


def test_sentences_and_triplets_are_the_same_actions():
    text = "unstack the red block from on top of the blue block\nput down the red block\npick up the red block"
    assert steps(text) == plan_in("(unstack red blue) (put-down red) (pick-up red)")


def test_random_plans_are_judged_as_unified_plannings_validator_does():
    shortcuts = pytest.importorskip(
        "unified_planning.shortcuts", reason="pip install unified-planning for this second opinion"
    )
    from unified_planning.engines import ValidationResultStatus
    from unified_planning.engines.plan_validator import SequentialPlanValidator
    from unified_planning.io import PDDLReader
    from unified_planning.plans import ActionInstance, SequentialPlan

    shortcuts.get_environment().credits_stream = None
    asked = plans.problem(PROBLEM)
    colours = sorted({block for fact in asked.start for block in fact[1:]})
    problem = PDDLReader().parse_problem_string(DOMAIN, _pddl(colours, asked))
    every = [(verb, *blocks) for verb, n in ARITY.items() for blocks in itertools.permutations(colours, n)]
    draw, seen = random.Random(0), set()
    for trial in range(300):
        plan = _walk(asked.start, every, draw, breaks=trial % 3 == 0)
        if trial % 2:
            plan = [*plan_in(PLAN), *_walk(after(asked.start, plan_in(PLAN)), every, draw, breaks=False)[:2]]
        actions = [
            ActionInstance(problem.action(verb), tuple(shortcuts.ObjectExp(problem.object(block)) for block in blocks))
            for verb, *blocks in plan
        ]
        status = SequentialPlanValidator().validate(problem, SequentialPlan(actions)).status
        assert asked.solved_by(plan) == (status == ValidationResultStatus.VALID)
        seen.add(asked.solved_by(plan))
    assert seen == {True, False}


def _walk(state, every, draw, *, breaks):
    plan = []
    for _ in range(draw.randrange(1, 9)):
        possible = [action for action in every if after(state, [action]) is not None]
        plan.append(draw.choice(every if breaks and draw.random() < 0.3 else possible))
        state = after(state, [plan[-1]]) or state
    return plan


def _pddl(colours, asked):
    def say(all_facts):
        return " ".join(f"({' '.join(fact)})" for fact in sorted(all_facts))

    return (
        f"(define (problem p) (:domain blocks) (:objects {' '.join(colours)}) "
        f"(:init {say(asked.start)}) (:goal (and {say(asked.goal)})))"
    )


DOMAIN = """(define (domain blocks) (:requirements :strips)
(:predicates (on ?a ?b) (table ?a) (clear ?a) (holding ?a) (empty))
(:action pick-up :parameters (?a) :precondition (and (clear ?a) (table ?a) (empty))
 :effect (and (holding ?a) (not (clear ?a)) (not (table ?a)) (not (empty))))
(:action put-down :parameters (?a) :precondition (holding ?a)
 :effect (and (clear ?a) (table ?a) (empty) (not (holding ?a))))
(:action stack :parameters (?a ?b) :precondition (and (holding ?a) (clear ?b))
 :effect (and (on ?a ?b) (clear ?a) (empty) (not (holding ?a)) (not (clear ?b))))
(:action unstack :parameters (?a ?b) :precondition (and (on ?a ?b) (clear ?a) (empty))
 :effect (and (holding ?a) (clear ?b) (not (on ?a ?b)) (not (clear ?a)) (not (empty)))))"""


def test_facts_are_read_in_planbenchs_words():
    assert facts("the red block is clear, the hand is empty, the red block is on top of the blue block") == {
        ("clear", "red"),
        ("empty",),
        ("on", "red", "blue"),
    }
    assert facts("the red block is not clear") == frozenset()
