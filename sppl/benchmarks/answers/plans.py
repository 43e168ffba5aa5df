"""PlanBench on Blocksworld (arXiv 2206.10498): plans are simulated from the problem the prompt states last."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sppl.benchmarks.answers.blocksworld import Action, State, after, facts, plan_in, steps
from sppl.benchmarks.answers.reading import ANSWER, FINAL, after_last, answer_line, lines, opens_note, plain
from sppl.benchmarks.answers.several import are_listed, denied
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict
from sppl.schemas import UserError

LONGEST = 20_000
"""Characters of the answer's part that are read: far beyond any plan of these problems."""

_STATEMENT = "[STATEMENT]"
_COST = re.compile(r"takes (\d{1,6}) minutes? to (pick up|put down|stack|unstack)\b")
_EVENT = re.compile(
    r"at step (\d{1,4}) in the plan, the following facts unexpectedly became true:(.*?)"
    r"the following facts became unexpectedly false:(.*)",
    re.IGNORECASE | re.DOTALL,
)
_NOTHING = re.compile(
    r"(?:no (?:further |more )?actions?(?: (?:is|are))?(?: needed| required| necessary)?|none(?: needed)?"
    r"|nothing(?: to do)?|(?:the )?(?:plan is )?empty(?: plan)?|)"
)
_ABOUT = re.compile(r"(?:this|these|the (?:above|plan|goal)|after|here|each|why|with this|now)\b", re.IGNORECASE)
_VALIDITY = re.compile(r"(?<!partially )(?<!partly )\b(invalid|valid)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """Where a plan starts, what must hold at its end, and what each kind of action costs."""

    start: State
    goal: State
    costs: dict[str, int]

    def solved_by(self, plan: Sequence[Action]) -> bool:
        """Whether every action can be done in its turn and the goal holds at the end."""
        end = after(self.start, plan)
        return end is not None and self.goal <= end

    def cost(self, plan: Sequence[Action]) -> int:
        """The sum of the actions' costs, in the prompt's minutes; 1 each where the prompt names none."""
        return sum(self.costs.get(action[0], 1) for action in plan)


def problem(prompt: str) -> Problem:
    """The last problem that a prompt states; after an unexpected event, the one that begins there.

    Raises:
        UserError: the prompt states no Blocksworld problem.
    """
    costs = {verb.replace(" ", "-"): int(minutes) for minutes, verb in _COST.findall(prompt)}
    last = prompt.rpartition(_STATEMENT)[2]
    initial, _, rest = last.partition("My goal is")
    goal, _, told = rest.partition("My plan is")
    start, goals = facts(initial), facts(goal)
    if not start or not goals:
        raise UserError(
            'this prompt states no Blocksworld problem (after its last [STATEMENT]: initial conditions, then "My goal '
            f'is"); it ends in {prompt[-120:]!r}. PlanBench tasks need PlanBench prompts; see their data file.'
        )
    event = _EVENT.search(told)
    if event:
        done = after(start, steps(told.partition("[PLAN END]")[0])[: int(event[1])])
        start = ((done or frozenset()) - facts(event[3].partition("[PLAN]")[0])) | facts(event[2])
    return Problem(start, goals, costs)


def plan(text: str) -> list[Action] | None:
    """The plan an answer gives, None where it gives none that can be read.

    It stands after the last "Final Answer:", else in the last [PLAN] block, else after "answer:" or "answer is", else
    it is the whole text; what a note below it says is no part of it. `blocksworld.plan_in` reads it. An empty plan must
    be said: nothing, "()", "none" or "no actions needed" after the mark.
    """
    text = plain(text)
    part = after_last(FINAL, text)
    if part is None and "[PLAN]" in text:
        part = text.rpartition("[PLAN]")[2]
    part = after_last(ANSWER, text) if part is None else part
    marked = part is not None
    part = (text if part is None else part).partition("[PLAN END]")[0][:LONGEST]
    if marked and _NOTHING.fullmatch(part.casefold().strip(" \t\r\n()[]*`.:")):
        return []
    return plan_in(_without_notes(part))


def _without_notes(part: str) -> str:
    """The text up to the first line, below an action or a fact, that remarks on what stands above it."""
    kept: list[str] = []
    told = False
    for line in lines(part):
        if told and (opens_note(line) or _ABOUT.match(line)):
            break
        told = told or bool(plan_in(line) or facts(line))
        kept.append(line)
    return "\n".join(kept)


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the plan can be carried out and reaches the goal (generation, generalization, reuse, replanning)."""
    found = plan(given(texts))
    return verdict(found is not None and problem(row["prompt"]).solved_by(found))


def judge_optimal(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the plan reaches the goal and costs no more than the gold one, which is optimal."""
    found, asked = plan(given(texts)), problem(row["prompt"])
    gold = plan(f"Final Answer: {row['answer']}") or []
    return verdict(found is not None and asked.solved_by(found) and asked.cost(found) <= asked.cost(gold))


def judge_execution(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer states exactly the facts of the gold state, in any order.

    They stand after the last "Final Answer:", "answer:" or "answer is", else in the last paragraph that states any.
    """
    text = plain(given(texts))
    part = after_last(FINAL, text)
    part = after_last(ANSWER, text) if part is None else part
    if part is None:
        part = next((one for one in reversed(re.split(r"\n\s*\n", text[-LONGEST:])) if facts(one)), "")
    stated = facts(_without_notes(part[:LONGEST]))
    return verdict(bool(stated) and stated == facts(str(row["answer"])))


def judge_verification(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer's line calls the plan valid or invalid as the gold one does; why is not judged."""
    said = validity(answer_line(given(texts)))
    return verdict(said is not None and said == validity(str(row["answer"])))


def validity(text: str) -> bool | None:
    """Whether a text first calls something valid or invalid ("not valid"); None if it says neither, or both."""
    found = [*_VALIDITY.finditer(text[:LONGEST])]
    if not found:
        return None
    first, *others = found
    if any(word[0].casefold() != first[0].casefold() for word in others[:1]) and are_listed(
        text, first.end(), others[0].span()
    ):
        return None
    return (first[0].casefold() == "valid") != denied(text, *first.span())
