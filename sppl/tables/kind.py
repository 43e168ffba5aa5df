"""The interface of a kind of table: everything the stages know about it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pandas as pd

from sppl.artifacts.store import ArtifactId, Store
from sppl.schemas import Question, Schema

if TYPE_CHECKING:
    from sppl.scoring.server_settings import ScoringServer
    from sppl.tables.sample import Sample, TableOf


class Known(Protocol):
    """Something that metrics may read about a strategy; a frozen dataclass whose fields are its settings."""

    trained: ClassVar[bool] = False
    """Whether it is a result of training, which other stages than `score` make."""

    @property
    def name(self) -> str:
        """The name for people."""
        ...

    @property
    def shows_own_answers(self) -> bool:
        """Whether it depends on the target's own answers, which have to be made first."""
        return False

    @property
    def one_pass(self) -> object:
        """A value that is equal for tables that are read in the same pass, whose cost counts once."""
        return self

    def beyond_server(self, server: "ScoringServer") -> str:
        """Returns what it needs of the target that a server does not return; empty where that is nothing."""
        return f"what only the model itself tells ({self.name})"

    def cost(self, store: Store, artifact: ArtifactId) -> Mapping[str, Any]:
        """Returns `responses`, `passes` and `seconds` of one of its artifacts, as far as they were kept."""
        return store.provenance(artifact)


class Table(Known, Protocol):
    """A kind of table with rows for every response, which the stage `score` makes.

    A class defines `kind`, `schema`, `name`, `words`, `settings`, `sources` and `make`, and inherits the rest from this
    one. No other code has to know about it.
    """

    kind: ClassVar[str]
    """The folder of its artifacts."""
    schema: ClassVar[Schema]
    """Its columns and keys; metrics get them with a column `strategy`."""

    def words(self, sample: "Sample", strategy: str) -> Sequence[str]:
        """Returns the words that follow the benchmark in the names of its artifacts."""
        ...

    def settings(self, sample: "Sample", strategy: str) -> Mapping[str, Any]:
        """Returns everything that shapes a strategy's table; its name ends with a digest of that."""
        ...

    def sources(self, sample: "Sample") -> Mapping[str, str]:
        """Returns names and digests of what it is made from beside the responses: models, artifacts."""
        ...

    @staticmethod
    def make(sample: "Sample", tables: Sequence["TableOf"]) -> None:
        """Makes and writes the tables that are missing; their locks are held.

        Raises:
            UserError: something cannot be read.
        """
        ...

    @staticmethod
    def check(sample: "Sample", tables: Sequence["TableOf"]) -> None:
        """Refuses responses that cannot be read, before any work; `make` does so, too.

        Raises:
            UserError: there are some.
        """

    def shortage(self, sample: "Sample", questions: Sequence[Question]) -> str:
        """Returns a remark on questions that are shown fewer own answers than they should; empty where none is."""
        return ""

    def logged(self, frame: pd.DataFrame) -> Mapping[str, float]:
        """Returns the figures of a strategy's table for loggers."""
        return {}
