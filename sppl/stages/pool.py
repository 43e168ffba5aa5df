"""The target's own answers as examples: which ones each question is shown."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import Leaf, MissingArtefact, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.commands import command
from sppl.metrics.needs import Need, TokenStats
from sppl.prompts import FixedExamples, SelfAligned, SelfAlignedPrompt, rotate
from sppl.schemas import Question, UserError
from sppl.stages.verdicts import verdicts_behind, verdicts_on

log = logging.getLogger(__name__)

UNJUDGED = "no gold answers: the target's own answers are shown unjudged"


@dataclass(frozen=True)
class Pool:
    """Answers of the target that may stand in a prompt, with the questions they answer."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    note: str
    """Empty, or how the pool differs from what was asked for; tables repeat it."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Names and digests of the artifacts it was read from: the answers, and the verdicts on them."""

    @property
    def digest(self) -> str:
        """What self-aligned statistics depend on: the texts that may be shown, and which questions they answer."""
        return fingerprint([self.ids, self.texts])

    def shown(
        self, prompt: SelfAlignedPrompt, questions: Sequence[Question], n: int, first: int = 0
    ) -> list[list[str]]:
        """The examples each question is shown, at most `n`; `first` is the place of the first one in the benchmark."""
        places = enumerate(questions, first)
        chosen = [rotate(at, question.id, self.ids, n, prompt.rotation) for at, question in places]
        return [[self.texts[index] for index in indices] for indices in chosen]

    def fixed(self, questions: Sequence[Question], n: int) -> list[str]:
        """The examples that all questions are shown: the last `n`, answers to none of these questions.

        Raises:
            UserError: one of them answers a question that is scored.
        """
        own = {question.id for question in questions} & set(self.ids[-n:])
        if own:
            raise UserError(
                f"layout=examples_first shows every question the last {n} of the target's {len(self.ids)} own answers, "
                f"and {', '.join(sorted(own))} is scored itself; let the target answer more questions than are scored: "
                "n_predict above n_score"
            )
        return list(self.texts[-n:])

    def shortage(self, prompt: SelfAlignedPrompt, questions: Sequence[Question], need: Need) -> str:
        """How many of the questions are shown fewer own answers than a table asks for; empty where none is."""
        context = need.context if isinstance(need, TokenStats) else None
        if not self.texts or not isinstance(context, SelfAligned | FixedExamples):
            return ""  # of an empty pool its note says all there is to say
        wanted, there = context.n_examples, len(self.texts)
        if isinstance(context, FixedExamples):
            counts = [min(wanted, there)] * len(questions)
        else:
            counts = [len(shown) for shown in self.shown(prompt, questions, wanted)]
        fewer = Counter(count for count in counts if count < wanted)
        if not fewer:
            return ""
        told = [f"{times} were shown {count or 'none'}" for count, times in sorted(fewer.items(), reverse=True)]
        return (
            f"the pool has {there} own answer{'s' * (there > 1)}, too few to show every question {wanted}: of "
            f"{len(questions)} questions {', '.join(told)}"
        )


def read_pool(
    store: Store, leaf: Leaf, benchmark: Benchmark, prompt: SelfAlignedPrompt, questions: Sequence[Question]
) -> Pool:
    """The correct predictions of a leaf, closed by the benchmark's final line if wanted; without any, the fallback.

    Of a benchmark that judges nothing all are taken, and the note says so.

    Raises:
        MissingArtefact: the leaf does not exist; the message is the command that makes it.
    """
    if not store.exists(leaf):
        raise missing_predictions(store, leaf, benchmark)
    pairs, right, inputs = judged_predictions(store, leaf, benchmark, questions)
    if any(right) or not benchmark.judged:
        kept = [pair for pair, verdict in zip(pairs, right, strict=True) if verdict]
        closed = [text + (benchmark.closing(question.answer) if prompt.final_line else "") for question, text in kept]
        note = "" if benchmark.judged else UNJUDGED
        return Pool(tuple(question.id for question, _ in kept), tuple(closed), note, inputs)
    shown = prompt.fallback == "unfiltered"
    note = f"none of the target's {len(pairs)} own answers is correct: "
    note += "unfiltered ones were shown" if shown else "scored without examples"
    log.warning("%s: %s (prompt.fallback=%s)", leaf.name, note, prompt.fallback)
    kept = pairs if shown else []
    return Pool(tuple(question.id for question, _ in kept), tuple(text for _, text in kept), note, inputs)


def missing_predictions(store: Store, leaf: Leaf, benchmark: Benchmark) -> MissingArtefact:
    """The error whose message is the command that makes the target's own answers."""
    return MissingArtefact(
        f"no predictions of {leaf.words[1]} for {benchmark.name}; make them: " + command(store.job, "stage=[predict]")
    )


def judged_predictions(
    store: Store, leaf: Leaf, benchmark: Benchmark, questions: Sequence[Question]
) -> tuple[list[tuple[Question, str]], list[bool], dict[str, str]]:
    """The target's answers, whether each is right, and the artifacts both were read from, with their digests."""
    frame, known = store.read(leaf), {question.id: question for question in questions}
    pairs = [(known[id_], text) for id_, text in zip(frame["question_id"], frame["prediction"], strict=True)]
    asked, texts, inputs = [one for one, _ in pairs], [text for _, text in pairs], {leaf.name: store.digest(leaf)}
    whose = (leaf.words[1],)
    right = verdicts_on(store, benchmark, whose, asked, texts, inputs)
    return pairs, [one == 1.0 for one in right], inputs | verdicts_behind(store, benchmark, whose, asked, texts)
