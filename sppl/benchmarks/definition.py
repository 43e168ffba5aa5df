"""The definition of a benchmark: the sources of its questions and responses, and the task that judges answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sppl.benchmarks.rule_files import rule_digest
from sppl.bounds import Count
from sppl.schemas import QuestionSource, ResponseSource, Sampling, UserError

TASKS = Path(__file__).parent / "tasks"
NONE = "none"
"""The kind of answer of a user's own files without gold answers, where nothing is judged."""


@dataclass(frozen=True)
class Benchmark:
    """One task to fine-tune for.

    Args:
        name: the word tables and artifacts use.
        questions: where questions come from.
        responses: who answers them by a strategy's recipe.
        task: the lm-eval task that judges an answer: a name in `sppl/benchmarks/tasks`, or the path of a YAML file.
            Empty: nothing is judged.
        max_new_tokens: the longest answer the target may give.
        final_line: appended to the target's own correct answers before they serve as examples; `{answer}` becomes the
            gold label. Empty: nothing is appended.
        also: further tasks of lm-eval the trained models are asked, each a column of the tables: names, or paths of
            YAML files. They never judge the benchmark's own answers.
        without: ids of questions that are left out, of every split and for all strategies.
        sampling: how the untrained target answers in `predict`; None: greedily.
        overlong: what happens to a question that does not fit into the target's context with room for an answer:
            `refuse` all work, or `skip` it for all models, which is counted.

    Raises:
        UserError: `overlong` is none of the two, or no answer may have a token.
    """

    name: str
    questions: QuestionSource
    responses: ResponseSource
    task: str
    max_new_tokens: int
    final_line: str = ""
    also: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    sampling: Sampling | None = None
    overlong: Literal["refuse", "skip"] = "refuse"

    def __post_init__(self) -> None:
        if self.overlong not in ("refuse", "skip"):
            raise UserError(f"benchmark.overlong={self.overlong}: there are refuse and skip")
        if self.max_new_tokens < 1:
            raise UserError(f"benchmark.max_new_tokens={self.max_new_tokens}: an answer has 1 token or more")

    @property
    def judged(self) -> bool:
        """Whether there is a rule that says which answers are right."""
        return bool(self.task)

    @property
    def task_file(self) -> Path:
        """The YAML of the judging task.

        Raises:
            UserError: there is none.
        """
        path = Path(self.task) if self.task.endswith((".yaml", ".yml")) else TASKS / f"{self.task}.yaml"
        if not path.is_file():
            names = ", ".join(sorted(file.stem for file in TASKS.glob("*.yaml")))
            raise UserError(
                f"benchmark.task={self.task}: no such task. There are {names}, or give the path of a YAML file"
            )
        return path

    @property
    def judge(self) -> str:
        """What verdicts depend on: the task's name and a digest of its files and of its rule's code."""
        if not self.judged:
            return "none"
        return f"{self.task_file.stem}-{rule_digest(self.task_file)}"

    def closing(self, answer: str) -> str:
        """Returns the text appended to a correct answer of the target whose gold label is `answer`."""
        before, mark, after = self.final_line.partition("{answer}")
        return f"\n\n{before}{answer if mark else ''}{after}" if self.final_line else ""


def from_sources(
    *,
    name: str,
    task: str,
    source: str,
    sources: Mapping[str, Mapping[str, Any]],
    splits: str = "disjoint",
    respond: str = "source",
    responders: Mapping[str, ResponseSource] | None = None,
    max_new_tokens: Count,
    final_line: str = "",
    also: Sequence[str] = (),
    without: Sequence[str] = (),
    sampling: Mapping[str, Any] | None = None,
    overlong: Literal["refuse", "skip"] = "refuse",
) -> Benchmark:
    """Makes a benchmark with questions from `source`, and responses from there unless `respond` names another.

    Args:
        source: one of the keys of `sources`, each with `questions` and, where it has answers too, `responses`.
        splits: `disjoint`, or `paper` for the authors' overlap of validation and test; the sources read it.
        respond: `source`, or one of the keys of `responders`; a source without answers takes the first of them.

    Raises:
        UserError: one of the two names is unknown; the message lists those there are.
    """
    if splits not in ("disjoint", "paper"):
        raise UserError(f"benchmark.splits={splits}: there are disjoint and paper")
    if source not in sources:
        raise UserError(f"benchmark.source={source}: {name} can be read from {', '.join(sources)}")
    chosen = sources[source]
    answered = _respond(name, respond, {"source": chosen["responses"]} if "responses" in chosen else {}, responders)
    further = _further(also, without, sampling)
    return Benchmark(
        name, chosen["questions"], answered, task, max_new_tokens, final_line, overlong=overlong, **further
    )


def _further(also: Sequence[str], without: Sequence[str], sampling: Mapping[str, Any] | None) -> dict[str, Any]:
    unknown = sorted(set(sampling or {}) - set(Sampling.__dataclass_fields__))
    if unknown:
        raise UserError(f"benchmark.sampling has no {unknown[0]}; it has {', '.join(Sampling.__dataclass_fields__)}")
    given = {key: value for key, value in (sampling or {}).items() if value is not None}
    greedy = not given.get("temperature", Sampling.temperature if given else 0)
    idle = [key for key in ("top_p", "top_k", "seed") if key in given and given[key] != getattr(Sampling, key)]
    if greedy and idle:
        raise UserError(
            f"benchmark.sampling.{idle[0]}={given[idle[0]]} shapes answers that are drawn, and with temperature 0 none "
            "is; say benchmark.sampling.temperature=0.7 too"
        )
    drawn = None if greedy else Sampling(**given)
    return {"also": tuple(also), "without": tuple(map(str, without)), "sampling": drawn}


def _respond(
    name: str, respond: str, beside: Mapping[str, ResponseSource], responders: Mapping[str, ResponseSource] | None
) -> ResponseSource:
    """The response source of that name; for questions without answers, `source` means the first responder."""
    there = {**beside, **(responders or {})}
    chosen = next(iter(there), respond) if respond == "source" else respond
    if chosen not in there:
        raise UserError(f"benchmark.respond={respond}: {name} can be answered by {', '.join(there) or 'nobody'}")
    return there[chosen]


def own(
    *,
    answer: str,
    responses: ResponseSource,
    task: str | None = None,
    respond: str = "source",
    responders: Mapping[str, ResponseSource] | None = None,
    also: Sequence[str] = (),
    without: Sequence[str] = (),
    sampling: Mapping[str, Any] | None = None,
    final_line: str = "",
    **settings: Any,
) -> Benchmark:
    """Makes a benchmark of a user's own files, judged by the kind of answer: `number`, `choice`, `text` or `none`.

    Args:
        answer: with `none` no gold answer is read and no answer is judged.
        task: another rule instead, as `Benchmark.task`; `answer` then says only how gold answers are read.
        final_line: as `Benchmark.final_line`; without gold answers there is none.

    Raises:
        UserError: it is none of the four, or a rule is given although nothing is to be judged.
    """
    kinds = [*sorted(path.stem.removeprefix("local_") for path in TASKS.glob("local_*.yaml")), NONE]
    if answer not in kinds:
        raise UserError(f"benchmark.answer={answer}: say what an answer is, one of {', '.join(kinds)}")
    if answer == NONE and task:
        raise UserError(
            f"benchmark.answer=none judges no answer, benchmark.task={task} would judge them all; leave one of them out"
        )
    answered = _respond("your task", respond, {"source": responses}, responders)
    further = _further(also, without, sampling)
    rule, closing = ("", "") if answer == NONE else (task or f"local_{answer}", final_line)
    return Benchmark(task=rule, responses=answered, final_line=closing, **further, **settings)
