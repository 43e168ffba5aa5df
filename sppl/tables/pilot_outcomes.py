"""Outcomes of pilots (trainings on few responses), which other stages than `score` make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sppl.artifacts.store import ArtifactId, Store
from sppl.tables.kind import Known


@dataclass(frozen=True)
class Outcomes(Known):
    """The outcome of training on few responses: `correct` per test question, whose id is the `example_id`.

    Args:
        n_train: responses trained on.
        n_test: questions answered afterwards, or `all`.
        seed: of the training.
        training: its settings, a frozen dataclass of plain values.
    """

    n_train: int
    n_test: int | str
    seed: int
    training: Any = field(hash=False)

    trained = True

    @property
    def name(self) -> str:
        return f"outcomes_n{self.n_train}_s{self.seed}"

    def beyond_server(self, server: Any) -> str:
        return ""  # it is not scored

    def cost(self, store: Store, artifact: ArtifactId) -> Mapping[str, Any]:
        """Returns a pilot's cost in the units of scoring: passes over question and response, per response.

        An epoch reads every response forward and backward, three passes; an answer to a test question is one pass.
        """
        results = store.provenance(artifact)
        answered = [store.provenance(store.open(name)) for name in results["inputs"] if name.startswith("answers/")]
        names = [name for one in answered for name in one["inputs"] if store.holds(name)]
        trained = [store.provenance(store.open(name)) for name in names]
        setup, n_test = results["setup"], results["rows"]
        responses = setup["n_train"]
        passes = 3 * setup["epochs"] + n_test / responses
        seconds = results["seconds"] + sum(one["seconds"] for one in (*answered, *trained))
        return {"responses": responses, "passes": passes, "seconds": seconds}
