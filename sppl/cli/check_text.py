"""The report that `check` prints about a user's own files, as lines for a terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from sppl.benchmarks.definition import NONE
from sppl.benchmarks.gold_check import MOST
from sppl.benchmarks.rule_doubt import Judged, describe_examples, find_doubtful
from sppl.cli.command_line import program
from sppl.commands import command
from sppl.data.folder import unread_files
from sppl.data.gathering import SPLITS, Gathering, first_ids
from sppl.data.problems import list_causes, ways_of
from sppl.data.tally import EMPTY, SEVERAL, SYSTEM, TWICE
from sppl.report.next_step import checking_command
from sppl.schemas import Question

TAUGHT = "strategy=[gpt4,claude]"
"""Strategies that teachers write, as an example."""
BETTER = 0.1
"""A rule that judges this share of the responses more right than the chosen one is proposed."""


@dataclass(frozen=True)
class FolderCheck:
    """What `check` found in a folder of data files.

    Args:
        found: everything that the files hold.
        folder: the folder they lie in.
        answer: the rule that was chosen.
        rules: per rule and strategy the responses with their verdicts.
        lengths: tokens of questions with responses, per strategy.
        reads: what the target can read at most; or why it is not known.
        unmet: questions whose gold answer is wrong by the rule itself.
        typed: the settings that were typed.
    """

    found: Gathering
    folder: str
    answer: str
    rules: Mapping[str, Mapping[str, Sequence[Judged]]]
    lengths: Mapping[str, Sequence[int]]
    reads: str | int | None
    unmet: Sequence[Question]
    typed: Sequence[str]

    @property
    def shared(self) -> int:
        """Training questions that every strategy answers."""
        return len(self.found.shared()[0]) if self.found.responses else 0

    @property
    def many_unmet(self) -> bool:
        """Whether the gold answers of so many questions are wrong by the rule that a run is refused."""
        return len(self.unmet) > MOST * len(self.found.asked)

    @property
    def goes_on(self) -> bool:
        """Whether a run by these settings would not be refused for its data."""
        whole = not self.found.problems and not self.many_unmet and self.model_is_here
        return whole and bool(self.shared or not self.found.responses)

    @property
    def model_is_here(self) -> bool:
        """Whether the target's tokenizer could be loaded."""
        return not isinstance(self.reads, str)

    @property
    def better(self) -> str:
        """The rule that judges far more responses right than the chosen one; empty where there is none."""
        share = {kind: _share(self._judged(kind)) for kind in self.rules}
        best = max(share, key=lambda kind: share[kind], default=self.answer)
        return best if share.get(best, 0.0) > share.get(self.answer, 0.0) + BETTER else ""

    def _judged(self, rule: str) -> list[Judged]:
        """The responses of all strategies with the verdicts of a rule."""
        return [one for some in self.rules.get(rule, {}).values() for one in some]

    def lines(self) -> Iterator[str]:
        """Returns the lines of the report; the command to go on with comes last."""
        yield f"{self.folder}, read with benchmark.answer={self.answer}:"
        yield ""
        yield from _table(list(self._files()))
        yield ""
        if self.found.responses:
            yield from _table(list(self._strategies()))
            yield ""
        yield from self._said()
        if self.found.problems:
            yield ""
            yield "To mend or decide:" if ways_of(self.found.problems) else "To mend:"
            yield from list_causes(self.found.problems)
        if not self.model_is_here:
            yield ""
            yield f"To mend: the target model cannot be loaded: {self.reads}"
        yield ""
        yield from self._next()

    def _files(self) -> Iterator[list[str]]:
        """A row per file."""
        yield ["file", "holds", "fields", "rows", "empty", "twice", "system", "turns"]
        for one in self.found.tallies:
            kinds = [str(one.kinds[kind] or "") for kind in (EMPTY, TWICE, SYSTEM, SEVERAL)]
            yield [_cut(one.path.name), one.split or "responses", _cut(one.form), str(one.rows), *kinds]

    def _strategies(self) -> Iterator[list[str]]:
        """A row per strategy."""
        train = [key for key, one in self.found.asked.items() if one.split == "train"]
        yield ["strategy", "responses", "questions", "judged right", "tokens", "longest"]
        for name, texts in sorted(self.found.responses.items()):
            judged = self.rules.get(self.answer, {}).get(name, ())
            right = f"{sum(one.right for one in judged)} of {len(judged)}" if judged else ""
            tokens = self.lengths.get(name, ())
            share = f"{sum(key in texts for key in train)} of {len(train)}"
            counted = [f"{mean(tokens):.0f}", str(max(tokens))] if tokens else ["", ""]
            yield [_cut(name), str(len(texts)), share, right, *counted]

    def _said(self) -> Iterator[str]:
        """The sentences below the tables, one line per subject."""
        splits = Counter(one.split for one in self.found.asked.values())
        counts = ", ".join(f"{splits[split]} {split}" for split in SPLITS if splits[split])
        yield f"Questions: {counts or 'none could be read'}."
        if self.found.responses:
            every = f"{len(self.found.responses)} strategies" if len(self.found.responses) > 1 else "the one strategy"
            kept, gone = self.found.shared()
            lacking = f"; left out for all (benchmark.questions.missing): {first_ids(gone)}" if gone else ""
            yield f"Joined by id, else by words: {len(kept)} training questions have a response of {every}{lacking}."
        if self.answer != NONE and self.found.asked:
            gold = sum(bool(one.question.answer) for one in self.found.asked.values())
            yield f"Gold answers: {gold} of {len(self.found.asked)} questions have one{_wrong(self.unmet)}."
        if self.found.without_gold:
            yield f"Without gold answer, left out (benchmark.questions.empties): {first_ids(self.found.without_gold)}."
        for one in self.found.tallies:
            yield from (f"{one.path.name}: {said}." for said in one.said())
        yield from self._alone()
        yield from self._doubt()
        yield from self._context()
        if others := unread_files(self.folder):
            yield f"Not read: {'; '.join(others)}."

    def _alone(self) -> Iterator[str]:
        """That a single strategy has no rival, and which columns of a file look like some."""
        if len(self.found.responses) != 1:
            return
        full = [name for one in self.found.tallies for name, n in one.unread.items() if n == one.rows > 0]
        columns = f"; are {', '.join(full)} responses of strategies? Then write a file for each" if full else ""
        yield f"One strategy has nothing to be compared with; each is a file of its own, with id and response{columns}."

    def _doubt(self) -> Iterator[str]:
        """Whether the rule fits, as far as the responses show it."""
        chosen, best = self._judged(self.answer), self.better
        wrong = find_doubtful(chosen)
        if not wrong and not best:
            return
        said = f"{sum(one.right for one in chosen)} of {len(chosen)} responses right"
        ending = f"; {len(wrong)} that it judges wrong end with the gold answer" if wrong else ""
        yield f"Is benchmark.answer={self.answer} right? It judges {said}{ending}:"
        yield from (f"  {one}" for one in describe_examples(wrong or [one for one in chosen if not one.right]))
        if best:
            right = self._judged(best)
            yield f"  benchmark.answer={best} judges {sum(one.right for one in right)} of {len(right)} right."

    def _context(self) -> Iterator[str]:
        """Whether questions with responses fit the target."""
        every = [n for some in self.lengths.values() for n in some]
        if isinstance(self.reads, str):
            yield "Tokens: not counted, as the target model cannot be loaded."
        elif every and self.reads:
            over = sum(n > self.reads for n in every)
            fits = f"{over} of {len(every)} do not fit (scorer.overlong)" if over else "all fit"
            yield f"Tokens: the longest question with response has {max(every)}, the target reads {self.reads}: {fits}."

    def _next(self) -> Iterator[str]:
        """The command that goes on."""
        ways = ways_of(self.found.problems)
        if not self.model_is_here:
            yield "Give a model that can be loaded, then look again:"
            other = [word for word in self.typed if not word.startswith("target_model")]
            yield f"  {checking_command((program(), *other, 'target_model.path=FOLDER_OR_HUB_ID'))}"
        elif (self.found.problems and not ways) or (self.many_unmet and not self.better):
            yield "Mend this in the files, then look again:"
            yield f"  {checking_command((program(), *self.typed))}"
        elif not self.found.responses:
            yield "No file has responses. Teachers can write them (benchmark.respond=teacher); what that would cost:"
            yield f"  {self._typed_with('stage=[generate]', 'benchmark.respond=teacher', TAUGHT, 'dry=true')}"
        elif not self.shared:
            yield (
                "No question is answered by every strategy, so nothing can be compared: their ids, or their words "
                "where there are no ids, have to be the same in every file. Mend this, then look again:"
            )
            yield f"  {checking_command((program(), *self.typed))}"
        else:
            ways += [f"benchmark.answer={self.better}"] if self.better else []
            yield f"With {' '.join(ways)} it goes on:" if ways else "Go on with:"
            yield f"  {self._typed_with('stage=[predict,score,rank,report]', *ways)}"

    def _typed_with(self, *settings: str) -> str:
        return command((program(), *self.typed), *settings)


def _share(judged: Sequence[Judged]) -> float:
    return sum(one.right for one in judged) / len(judged) if judged else 0.0


def _wrong(unmet: Sequence[Question]) -> str:
    shown = ", ".join(f"{one.answer[:40]!r} ({one.id})" for one in unmet[:3])
    return f"; {len(unmet)} are wrong by the rule itself, such as {shown}" if unmet else ""


def _cut(text: str, width: int = 28) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _table(rows: list[list[str]], width: int = 80) -> list[str]:
    """Columns beside each other, those without a value left out; numbers stand to the right."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    wide = [max(map(len, column)) for column in columns]
    right = [all(cell[:1].isdigit() for cell in column[1:] if cell) for column in columns]
    gap = "  " if sum(wide) + 2 * len(wide) <= width else " "
    return [
        gap.join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, wide, right, strict=True)
        ).rstrip()
        for row in zip(*columns, strict=True)
    ]
