"""SCAS: what a response costs the target to learn, from one forward pass."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, HiddenStates, Tables, as_values


@dataclass(frozen=True)
class StudentCentricScore:
    """Losses times the likeness of hidden states, a stand-in for the size of a response's gradient (nats^2).

    SCAS(r | q) = (1 - w) d_A^2 cos(A, A) + w d_A d_Q cos(A, Q),  w = question_weight,
    where d_A and d_Q are the mean token NLL of the response given the question and of the question, cos(A, A) the mean
    cosine of the hidden states of two response tokens and cos(A, Q) that of a response and a question token; hidden
    states are the outputs of the last `mlp.up_proj`. Lower is better: cheap to learn.
    Source: arXiv 2605.26872 (w 0.5), where it orders the answers to one question again in every round of training; here
    it is taken once, of the untrained target. A strategy's value is the arithmetic mean over examples.
    """

    question_weight: float = 0.5
    layer: str = "mlp.up_proj"
    higher_is_better: bool | None = False

    def __post_init__(self) -> None:
        if not 0 <= self.question_weight <= 1:
            raise ValueError(f"scas weighs the question by a share of 0 to 1, got {self.question_weight}")

    @property
    def name(self) -> str:
        return "scas" if self.question_weight == 0.5 else f"scas_w{self.question_weight:g}"

    def needs(self) -> tuple[HiddenStates, ...]:
        return (HiddenStates(self.layer),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        table = tables[self.needs()[0]].set_index(EXAMPLE)
        answer, question = table["answer_loss"], table["question_loss"]
        own, across = answer**2 * table["answer_answer"], answer * question * table["answer_question"]
        return as_values((1 - self.question_weight) * own + self.question_weight * across)
