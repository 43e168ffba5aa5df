"""export: the responses of each strategy as a data set that other trainers read."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.splits import take
from sppl.bounds import NumberOfQuestions
from sppl.commands import command
from sppl.data.exports import Card, write_rows
from sppl.names import task_name
from sppl.schemas import Answered, Question, UserError
from sppl.strategies.recipe import Recipe
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.plan import Plan
from sppl.study.responses import Responses

log = logging.getLogger(__name__)


def export(
    *,
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    n_train: NumberOfQuestions,
    folder: str,
    shape: str,
    only_correct: bool,
    data: str | None = None,
    store: Store,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Writes `<folder>/<task>/<strategy>/data.jsonl` and its card, `README.md`, for each strategy.

    What is not all rows as messages lies beside it, so that a smaller or another data set replaces none:
    `<strategy>-n400`, `-alpaca`, `-right`. Of a user's own files `all` are all rows of that strategy, those too whose
    questions other strategies do not answer.

    Args:
        data: the folder of a user's own data, after which the task is called.
        shape: `messages`, `prompt_completion` or `alpaca`.
        only_correct: leaves out what the benchmark judged wrong; the log and the card say how many rows there are.

    Raises:
        MissingArtifact: responses that cost money are missing; the message is the command that makes them.
        UserError: the shape is unknown; or only right responses are wanted, and nothing says which are or none is.
    """
    if only_correct and not benchmark.judged:
        raise UserError(
            f"stage.export.only_correct=true: nothing says which responses to {benchmark.name} are right "
            "(benchmark.answer=none); leave it out, or say what an answer is: benchmark.answer=number, choice or text"
        )
    beside = "".join(
        [f"-n{n_train}" * (n_train != "all"), f"-{shape}" * (shape != "messages"), "-right" * only_correct]
    )
    places = {name: Path(folder, task_name(benchmark.name, data), name + beside) for name in strategy}
    if dry:
        return Plan((), tuple(str(place) for place in places.values()))
    found = {
        name: Responses(store, benchmark, recipe, questions_of(benchmark, recipe, n_train))
        for name, recipe in strategy.items()
    }
    pairs = {name: one.pairs() for name, one in found.items()}
    right = {name: list(one.right().values()) for name, one in found.items()}
    if only_correct:
        _refuse_none_right(benchmark, right, store.job)
    for name, recipe in strategy.items():
        kept = [pair for pair, verdict in zip(pairs[name], right[name], strict=True) if verdict or not only_correct]
        source = "the data set" if recipe.given else benchmark.responses.label
        count = sum(right[name]) if benchmark.judged else None
        card = Card(benchmark.name, name, recipe.summary, source, len(kept), count, shape, store.command)
        _write(places[name] / "data.jsonl", write_rows(shape, kept))
        _write(places[name] / "README.md", card.text())
        for logger in loggers(name):
            logger.log_metrics({"export/rows": len(kept)})
        judged = f"{count} judged right" if benchmark.judged else "not judged"
        log.info("%s: %d of %d rows, %s", places[name], len(kept), len(pairs[name]), judged)
    return Plan((), tuple(str(place) for place in places.values()))


def _refuse_none_right(benchmark: Benchmark, right: Mapping[str, Sequence[bool]], typed: Sequence[str]) -> None:
    """Nothing.

    Raises:
        UserError: of some strategy no response was judged right, so that its data set would have no row.
    """
    empty = {name: len(verdicts) for name, verdicts in right.items() if not any(verdicts)}
    if not empty:
        return
    said = " and ".join(f"0 of {count} rows of {name}" for name, count in empty.items())
    left = [name for name in right if name not in empty]
    without = f", the strategies that have some ({', '.join(left)})" if left else ""
    raise UserError(
        f"stage.export.only_correct=true would keep {said}: {benchmark.task} judges none of them right. Nothing was "
        f"written; look at the rule (docs/answers.md), or export all rows{without}: "
        + command(typed, "stage.export.only_correct=false")
    )


def questions_of(benchmark: Benchmark, recipe: Recipe, n_train: int | str) -> list[Question]:
    """The first training questions; of `all`, where strategies come with questions of their own, all of this one's."""
    source = benchmark.questions
    in_files = benchmark.responses.by_id and not (recipe.of or recipe.given)
    if n_train != "all" or not in_files or not isinstance(source, Answered):
        return take(benchmark, "train", n_train)
    return [one for one in source.answered_by(recipe) if one.id not in benchmark.without]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
