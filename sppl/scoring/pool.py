"""The example pool: the target's own answers, and which of them each question is shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sppl.artifacts.provenance import fingerprint
from sppl.prompts import Context, SelfAlignedPrompt, rotate
from sppl.schemas import Question, UserError


@dataclass(frozen=True)
class Pool:
    """Answers of the target that may be shown in a prompt, with the questions they answer."""

    ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    note: str = ""
    """How the pool differs from what was asked for, for tables; empty where it does not."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Names and digests of the artifacts it was read from: the answers, and the verdicts on them."""

    @property
    def digest(self) -> str:
        """A digest of what self-aligned statistics depend on: the answers, and which questions they answer."""
        return fingerprint([self.ids, self.texts])

    def examples(
        self, context: Context, prompt: SelfAlignedPrompt, questions: Sequence[Question], first: int = 0
    ) -> list[list[str]]:
        """Returns the examples that each question is shown in a context; none in most contexts."""
        if not context.n_examples:
            return [[] for _ in questions]
        if context.examples_first:
            return [self.fixed(questions, context.n_examples) for _ in questions]
        return self.shown(prompt, questions, context.n_examples, first)

    def shown(
        self, prompt: SelfAlignedPrompt, questions: Sequence[Question], n: int, first: int = 0
    ) -> list[list[str]]:
        """Returns at most `n` examples per question; `first` is the first question's position in the benchmark."""
        places = enumerate(questions, first)
        chosen = [rotate(at, question.id, self.ids, n, prompt.rotation) for at, question in places]
        return [[self.texts[index] for index in indices] for indices in chosen]

    def fixed(self, questions: Sequence[Question], n: int) -> list[str]:
        """Returns the examples that all questions are shown: the last `n`, which answer none of these questions.

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

    def shortage(self, prompt: SelfAlignedPrompt, questions: Sequence[Question], context: Context) -> str:
        """Returns a remark on questions that are shown fewer own answers than a context needs; empty where none is."""
        if not self.texts or not context.n_examples:
            return ""  # of an empty pool its note says all there is to say
        wanted, there = context.n_examples, len(self.texts)
        if context.examples_first:
            counts = [min(wanted, there)] * len(questions)
        else:
            counts = [len(shown) for shown in self.shown(prompt, questions, wanted)]
        fewer = Counter(count for count in counts if count < wanted)
        if not fewer:
            return ""
        told = [
            f"{times} {'was' if times == 1 else 'were'} shown {count or 'none'}"
            for count, times in sorted(fewer.items(), reverse=True)
        ]
        return (
            f"the pool has {there} own answer{'s' * (there > 1)}, too few to show every question {wanted}: of "
            f"{len(questions)} questions {', '.join(told)}"
        )
