"""Verdicts on answers: artifacts of their own, so that a corrected gold answer or rule judges old answers anew."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

import pandas as pd

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.benchmarks.harness import judge
from sppl.schemas import Question


def verdicts_on(
    store: Store,
    benchmark: Benchmark,
    whose: Sequence[str],
    questions: Sequence[Question],
    texts: Sequence[str],
    inputs: Mapping[str, str],
    read: Callable[[Question, str], str] = lambda _, text: text,
) -> list[float]:
    """What the benchmark's rule says of one text per question: 1.0 right, 0.0 wrong; what is not known is judged.

    Of a benchmark without a rule nothing is wrong.

    A verdict belongs to a text, the whole record of its question, and the rule with its code: where one of them
    changed it is judged again.

    Args:
        whose: words for the names of the verdicts, e.g. a strategy's.
        inputs: names and digests of the artifacts the texts are from.
        read: what of a text is judged.
    """
    if not benchmark.judged:
        return [1.0] * len(texts)
    wanted, words = _keys(questions, texts), (benchmark.name, benchmark.judge, *whose)
    found = wanted.merge(_known(store, words), how="left")
    if found["correct"].isna().any():
        with nullcontext() if store.read_only else store.lock("verdicts", *words):
            found = wanted.merge(_known(store, words), how="left")
            todo = [at for at, known in enumerate(found["correct"].notna()) if not known]
            if todo:
                start, asked = time.perf_counter(), [questions[at] for at in todo]
                shown = [read(questions[at], texts[at]) for at in todo]
                found.loc[todo, "correct"] = judge(benchmark.task_file, asked, shown)
                if not store.read_only:
                    sources = {f"questions of {benchmark.name}": fingerprint(asked), "judge": benchmark.judge}
                    _keep(store, words, found.loc[todo], {**inputs, **sources}, time.perf_counter() - start)
    return found["correct"].astype(float).tolist()


def verdicts_behind(
    store: Store, benchmark: Benchmark, whose: Sequence[str], questions: Sequence[Question], texts: Sequence[str]
) -> dict[str, str]:
    """Names and digests of the verdicts on these texts, as far as there are some."""
    if not benchmark.judged:
        return {}
    found = _keys(questions, texts).merge(_known(store, (benchmark.name, benchmark.judge, *whose)))
    return {name: store.digest(store.open(name)) for name in dict.fromkeys(found["leaf"])}


def _keys(questions: Sequence[Question], texts: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "question_id": [question.id for question in questions],
            "question": [fingerprint(question) for question in questions],
            "answer": [fingerprint(text) for text in texts],
        },
        dtype=str,
    )


def _known(store: Store, words: tuple[str, ...]) -> pd.DataFrame:
    """All verdicts under these words, with the `leaf` each is from."""
    parts = [store.read(leaf).assign(leaf=leaf.name) for leaf in store.leaves("verdicts", *words)]
    keys = ["question_id", "question", "answer"]
    if not parts:
        return pd.DataFrame(columns=[*keys, "correct", "leaf"], dtype=str).astype({"correct": float})
    return pd.concat(parts, ignore_index=True).drop_duplicates(keys)


def _keep(store: Store, words: tuple[str, ...], found: pd.DataFrame, inputs: Mapping[str, str], seconds: float) -> None:
    frame = found[["question_id", "question", "answer"]].assign(correct=found["correct"].astype(float))
    settings = {"answers": fingerprint(frame.iloc[:, :3].to_numpy().tolist())}
    store.write(store.leaf("verdicts", *words, f"n{len(frame)}", settings=settings), frame, inputs, seconds)
