"""What the stages share: how each kind of leaf is named, and the line each stage says before it works.

A name is made of the settings and of the digests of the inputs, so a stage that needs a leaf of another stage asks
here for its name and never imports that stage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sppl.artifacts.provenance import canonical, fingerprint
from sppl.artifacts.store import Leaf, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.benchmarks.gold import check_gold
from sppl.generation.answer import Generator, prompts_of
from sppl.metrics.needs import HiddenStates, Rewards, ScoredTable, TokenStats
from sppl.models.target import TargetModel
from sppl.prompts import Alone, FixedExamples, SelfAligned, SelfAlignedPrompt
from sppl.schemas import Question, UserError, wording
from sppl.scoring.scoring_settings import Scoring
from sppl.stages.pool import Pool
from sppl.training.training_settings import Training

UNTRAINED = "untrained"
"""The row of the untouched target in every table."""


@dataclass(frozen=True)
class Plan:
    """What a stage found and what it would make (names, or words where the name waits for an input)."""

    found: tuple[str, ...]
    to_make: tuple[str, ...]

    def line(self, stage: str) -> str:
        """One line for people."""
        made = (
            f", to make: {len(self.to_make)} ({', '.join(_short(self.to_make))})"
            if self.to_make
            else ", nothing to make"
        )
        return f"{stage}: found {len(self.found)}{made}"


def _short(names: Sequence[str]) -> list[str]:
    return [*names[:4], "..."] if len(names) > 4 else list(names)


def _asked(questions: Sequence[Question]) -> str:
    """Changes with the ids of the questions, what a model is asked, or their order; with no gold answer."""
    return fingerprint([[prompt.id, list(prompt.messages)] for prompt in prompts_of(questions)])


def take(benchmark: Benchmark, split: Any, n: int | str) -> list[Question]:
    """The first `n` questions of a split (`all`: every one) that the benchmark does not leave out.

    Raises:
        UserError: the split has fewer, `n` is not a count, or more than 1 % of the split's gold answers are wrong by
            the benchmark's own rule.
    """
    if n != "all" and not (isinstance(n, int) and n > 0):
        raise UserError(f"a number of questions is a whole number above 0, or `all`; got {n!r}")
    wanted = None if n == "all" else int(n)
    asked = None if wanted is None else wanted + len(benchmark.without)
    questions = [one for one in benchmark.questions.questions(split, asked) if one.id not in benchmark.without][:wanted]
    if wanted is not None and len(questions) < wanted:
        raise UserError(
            f"{benchmark.name} has {len(questions)} {split} questions, {wanted} were asked for; "
            f"lower the number (n_predict, n_score, n_train, n_test) or say `all`"
        )
    check_gold(benchmark, split, questions)
    return questions


def predictions_leaf(
    store: Store, benchmark: Benchmark, target: TargetModel, n_predict: int, generator: Generator
) -> Leaf:
    """The target's own answers to the first `n_predict` training questions."""
    settings = {
        "target": target.identity,
        "questions": _asked(take(benchmark, "train", n_predict)),
        "max_new_tokens": benchmark.max_new_tokens,
        "decoding": canonical(benchmark.sampling) if benchmark.sampling else "greedy",
        **generator.identity,
        **_skipping(benchmark),
    }
    return store.leaf("predictions", benchmark.name, target.name, f"n{n_predict}", settings=settings)


def table_leaf(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    *,
    strategy: str,
    need: ScoredTable,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    examples: Sequence[tuple[Question, str]],
    pool: Pool,
    start: int = 0,
    beside: Sequence[Sequence[tuple[Question, str]]] = (),
) -> Leaf:
    """What one metric's need is of one strategy's responses, to the questions from number `start` on.

    Token statistics in one context, where self-aligned ones depend on the pool's texts as well; rewards, which depend
    on no target; or what is read inside the target, given the question. Where prompts are cut to what all strategies'
    responses leave room for, it depends on those, too: `beside` has them.
    """
    shown = fingerprint([[question.id, wording(question), text] for question, text in examples])
    if isinstance(need, Rewards):
        settings: dict[str, Any] = {"model": need.model.identity, "examples": shown}
        return store.leaf("rewards", benchmark.name, need.model.name, strategy, f"n{len(examples)}", settings=settings)
    settings = {"target": target.identity, "examples": shown, "end": scorer.end}
    if scorer.overlong != "error":
        settings["overlong"] = scorer.overlong
    if scorer.overlong == "truncate_left":
        every = {(question.id, text) for pairs in (*beside, examples) for question, text in pairs}
        settings["beside"] = fingerprint(sorted(every))
    if not isinstance(need, TokenStats):
        kind = "hidden_states" if isinstance(need, HiddenStates) else "gradients"
        return store.leaf(
            kind, benchmark.name, target.name, strategy, need.name, settings=settings | {"of": canonical(need)}
        )
    if scorer.server:
        settings["server"] = scorer.server.identity
    settings["context"] = canonical(need.context)
    if isinstance(need.context, Alone):
        settings["before"] = "the tokenizer's own BOS"  # once it was any first token of the chat template
    if need.columns:
        settings["columns"] = list(need.columns)
    word = need.name
    if isinstance(need.context, SelfAligned):
        settings |= {"prompt": canonical(prompt), "pool": pool.digest}
        if start:  # a question's place decides which answers it is shown
            settings["start"] = start
        word = f"{need.name}-{prompt.hash()}"
    if isinstance(need.context, FixedExamples):
        settings |= {"prompt": canonical(prompt), "wording": prompt.examples_first, "pool": pool.digest}
        word = f"{need.name}-{prompt.hash(examples_first=True)}"
    return store.leaf("token_stats", benchmark.name, target.name, strategy, word, settings=settings)


def adapter_leaf(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    *,
    strategy: str,
    training: Training,
    seed: int,
    examples: Sequence[tuple[Question, str]],
    validation: Sequence[tuple[Question, str]] = (),
) -> Leaf:
    """The target trained on one strategy's responses, its weights selected by validation examples if there are any."""
    settings = {
        "target": target.identity,
        "examples": fingerprint([[question.id, wording(question), text] for question, text in examples]),
        "training": canonical(training),
        "seed": seed,
    }
    if validation:
        settings["validation"] = fingerprint([[question.id, wording(question), text] for question, text in validation])
    return store.leaf("adapters", benchmark.name, target.name, strategy, f"seed{seed}", settings=settings)


def answers_leaf(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    *,
    strategy: str,
    adapter: Leaf | None,
    test: Sequence[Question],
    generator: Generator,
) -> Leaf:
    """The answers of one trained model (or, without an adapter, of the untrained target) to the test questions."""
    settings = {
        "target": target.identity,
        "adapter": _made(store, adapter),
        "questions": _asked(test),
        "max_new_tokens": benchmark.max_new_tokens,
        **generator.identity,
        **_skipping(benchmark),
    }
    word = adapter.words[-1] if adapter else "all_seeds"
    return store.leaf("answers", benchmark.name, target.name, strategy, word, settings=settings)


def results_leaf(store: Store, benchmark: Benchmark, answers: Leaf, test: Sequence[Question]) -> Leaf:
    """The judged answers, which depend on all that the questions' records say and on the rule with its code."""
    settings = {"answers": _made(store, answers), "questions": fingerprint(list(test)), "judge": benchmark.judge}
    return store.leaf("results", *answers.words, settings=settings)


def sources(benchmark: Benchmark, questions: Sequence[Question], target: TargetModel) -> dict[str, str]:
    """Inputs that are no artifacts, with their digests: what questions say, and the weights of the target."""
    said = {f"questions of {benchmark.name}": fingerprint(list(questions))}
    return said | {f"target model {target.name}": fingerprint(target.identity)}


def _skipping(benchmark: Benchmark) -> dict[str, str]:
    """Whether questions may have been left out; where none may, all were answered or there is no leaf."""
    return {"overlong": benchmark.overlong} if benchmark.overlong != "refuse" else {}


def _made(store: Store, leaf: Leaf | None) -> dict[str, str] | None:
    """What an artifact is, and how it came about: its name says that, and two ways can end in equal contents."""
    return {"leaf": leaf.name, "digest": store.digest(leaf)} if leaf else None


def also_leaf(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    *,
    strategy: str,
    adapter: Leaf | None,
    task: Mapping[str, Any],
) -> Leaf:
    """What one of lm-eval's own tasks says of a trained model or, without an adapter, of the untrained target."""
    settings = {
        "target": target.identity,
        "adapter": _made(store, adapter),
        "task": dict(task),
        **_skipping(benchmark),
    }
    word = adapter.words[-1] if adapter else "all_seeds"
    return store.leaf("also_results", benchmark.name, target.name, strategy, task["task"], word, settings=settings)


def setup_of(training: Training, n_train: int) -> dict[str, Any]:
    """The training settings apart from the seed, flat, for tables that say what varied."""
    flat: dict[str, Any] = {"n_train": n_train}
    for key, value in asdict(training).items():
        flat |= (
            {f"{key}.{part}": inner for part, inner in value.items()} if isinstance(value, Mapping) else {key: value}
        )
    return flat
