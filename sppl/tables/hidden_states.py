"""Hidden states: how the tokens of every response lie to each other inside the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.artifacts.provenance import canonical
from sppl.schemas import COSINE, NOT_NEGATIVE, UserError, column, table_schema
from sppl.tables.kind import Table
from sppl.tables.sample import Sample, TableOf

if TYPE_CHECKING:
    from sppl.hardware.reader import ModelReader
    from sppl.scoring.request_builder import ResponseInContext


@dataclass(frozen=True)
class HiddenStates(Table):
    """How a response's tokens lie to each other and to its question inside the target, given the question.

    Columns: `answer_loss` and `question_loss`, the mean NLL (nats) of the response's and of the question's tokens;
    `answer_answer` and `answer_question`, the mean cosine of the hidden states of two response tokens (each with each,
    itself included) and of a response and a question token. Special tokens count in none of them.

    Args:
        layer: how the module's name ends whose outputs are the hidden states; of several the last.
    """

    layer: str = "mlp.up_proj"

    kind = "hidden_states"
    schema = table_schema(
        {
            "example_id": str,
            "answer_loss": column(float, NOT_NEGATIVE),
            "question_loss": column(float, NOT_NEGATIVE),
            "answer_answer": column(float, COSINE),
            "answer_question": column(float, COSINE),
        },
        ["example_id"],
    )

    @property
    def name(self) -> str:
        return f"hidden_{self.layer}"

    def words(self, sample: Sample, strategy: str) -> Sequence[str]:
        return sample.target.name, strategy, self.name

    def settings(self, sample: Sample, strategy: str) -> Mapping[str, Any]:
        return sample.read_by_target(strategy) | {"of": canonical(self)}

    def sources(self, sample: Sample) -> Mapping[str, str]:
        return sample.target_source()

    def beyond_server(self, server: Any) -> str:
        return "hidden states"

    @staticmethod
    def make(sample: Sample, tables: Sequence[TableOf]) -> None:
        """Runs one pass over each response after its question, and writes the tables; states are never kept.

        Raises:
            UserError: a response is empty or does not fit, or the target has no such layer.
        """
        from sppl.tables.inside import read_inside

        read_inside(sample, tables, _reader, partial(_refuse_bare, sample), _summaries, passes=1.0)


def _reader(sample: Sample, need: Any) -> "ModelReader":
    from sppl.models.target import frozen_target
    from sppl.scoring.summariser import Summariser

    try:
        return Summariser(frozen_target(sample.target), need.layer, set(sample.target.tokenizer().all_special_ids))
    except ValueError as error:
        raise UserError(f"{error}. Say which to read: metric.scas.layer=...") from error


def _refuse_bare(sample: Sample, responses: Mapping[str, Sequence["ResponseInContext"]]) -> None:
    special = set(sample.target.tokenizer().all_special_ids)
    bare = [f"{one.example_id} of {name}" for name, part in responses.items() for one in part if special >= {*one.ids}]
    if bare:
        raise UserError(
            f"scas: nothing but special tokens of the target in {', '.join(bare)}. Answer them with text, or leave "
            "scas out of `metric`"
        )


def _summaries(ids: Sequence[str], read: Sequence[Any]) -> pd.DataFrame:
    frame = pd.DataFrame([one._asdict() for one in read], dtype=float)
    frame.insert(0, "example_id", list(ids))
    return frame
