"""Lists single questions: the score of each strategy's response, and whether each trained model was right."""

import pandas as pd

from sppl.analysis.checks import PAIR

COLUMNS = [*PAIR, "split", "question_id", "strategy", "setup", "seed", "what", "value"]


def by_question(scores: pd.DataFrame | None, answers: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per question, strategy and figure, to be filtered and pivoted at will.

    `split` is `train` for scores, whose `what` is the metric, and `test` for answers of trained models, whose `what` is
    `correct`; `setup` and `seed` are those of the training, empty for scores.

    Args:
        scores: those of single responses are taken; None where there are none.
        answers: of trained models, as `sppl.analysis.paired.compare_pairs` wants them; may be empty.
    """
    parts = list[pd.DataFrame]()
    if scores is not None and "example_id" in scores:
        single = scores[scores["example_id"].notna()]
        single = single.rename(columns={"example_id": "question_id", "metric": "what"})
        parts.append(single.assign(split="train", setup="", seed=None))
    if len(answers):
        parts.append(answers.rename(columns={"correct": "value"}).assign(split="test", what="correct"))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    found = [part[COLUMNS].astype({"seed": "Int64", "value": "float64"}) for part in parts]
    return pd.concat(found, ignore_index=True)
