"""What a kind of table is: all that the stages know of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pandas as pd

from sppl.artifacts.store import ArtifactId, Store
from sppl.schemas import Question, Schema

if TYPE_CHECKING:
    from sppl.scoring.server_settings import ScoringServer
    from sppl.tables.sample import Sample, TableOf


class Known(Protocol):
    """What metrics may ask to be known of a strategy; a frozen dataclass whose fields say what exactly."""

    trained: ClassVar[bool] = False
    """Whether it is what a training gave, which other stages than `score` make."""

    @property
    def name(self) -> str:
        """The word that people read."""
        ...

    @property
    def shows_own_answers(self) -> bool:
        """Whether the target's own answers are shown in it, so that it waits for them."""
        return False

    @property
    def one_pass(self) -> object:
        """Equal for what is read in the same pass, which then costs once."""
        return self

    def beyond_server(self, server: "ScoringServer") -> str:
        """What it needs of the target that a server does not tell; empty where that is nothing."""
        return f"what only the model itself tells ({self.name})"

    def cost(self, store: Store, artifact: ArtifactId) -> Mapping[str, Any]:
        """`responses`, `passes` and `seconds` of one of its artifacts, as far as they were kept."""
        return store.provenance(artifact)


class Table(Known, Protocol):
    """A kind of table with rows for every response, which the stage `score` makes.

    A class says `kind`, `schema`, `name`, `words`, `settings`, `sources` and `make`, and names this one as its base for
    the rest. Nothing else in the house has to know of it.
    """

    kind: ClassVar[str]
    """The folder of its artifacts."""
    schema: ClassVar[Schema]
    """Its columns and keys; metrics get them with a column `strategy`."""

    def words(self, sample: "Sample", strategy: str) -> Sequence[str]:
        """What names of its artifacts say after the benchmark."""
        ...

    def settings(self, sample: "Sample", strategy: str) -> Mapping[str, Any]:
        """All that shapes a strategy's table; the end of its name changes with it."""
        ...

    def sources(self, sample: "Sample") -> Mapping[str, str]:
        """What it is made from beside the responses, by name and digest: models, artifacts."""
        ...

    @staticmethod
    def make(sample: "Sample", tables: Sequence["TableOf"]) -> None:
        """Makes and writes those of these tables that are missing; their locks are held.

        Raises:
            UserError: something cannot be read.
        """
        ...

    @staticmethod
    def check(sample: "Sample", tables: Sequence["TableOf"]) -> None:
        """Refuses, before any work, responses that cannot be read; `make` does so, too.

        Raises:
            UserError: there are some.
        """

    def shortage(self, sample: "Sample", questions: Sequence[Question]) -> str:
        """How many of the questions are shown fewer own answers than it asks for; empty where none is."""
        return ""

    def logged(self, frame: pd.DataFrame) -> Mapping[str, float]:
        """What loggers are told of a strategy's table."""
        return {}
