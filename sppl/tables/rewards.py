"""Rewards: the rating of every response by a reward model."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import pandas as pd

from sppl.artifacts.provenance import fingerprint
from sppl.schemas import table_schema
from sppl.tables.kind import Table
from sppl.tables.sample import Sample, TableOf

if TYPE_CHECKING:
    from sppl.models.reward_model import RewardModel


class RewardSource(Protocol):
    """A model that rates a response; a frozen dataclass."""

    @property
    def name(self) -> str:
        """The word tables and artifacts use."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """The settings and content that its ratings depend on."""
        ...


@dataclass(frozen=True)
class Rewards(Table):
    """The reward of every response: a table with the column `reward`, in the model's own unit."""

    model: RewardSource

    kind = "rewards"
    schema = table_schema({"example_id": str, "reward": float}, ["example_id"])

    @property
    def name(self) -> str:
        return f"rewards_{self.model.name}"

    def words(self, sample: Sample, strategy: str) -> Sequence[str]:
        return self.model.name, strategy, f"n{len(sample.examples[strategy])}"

    def settings(self, sample: Sample, strategy: str) -> Mapping[str, Any]:
        return {"model": self.model.identity, "examples": sample.shown(strategy)}

    def sources(self, sample: Sample) -> Mapping[str, str]:
        return {f"reward model {self.model.name}": fingerprint(self.model.identity)}

    def beyond_server(self, server: Any) -> str:
        return ""  # the target plays no part in it

    @staticmethod
    def make(sample: Sample, tables: Sequence[TableOf]) -> None:
        """Runs one pass over each finished chat, with each model loaded once, and writes the tables."""
        from sppl.data.tokens import check_fits
        from sppl.hardware.device import DeviceFacts
        from sppl.hardware.progress import predict_batches
        from sppl.models.loading import context_length
        from sppl.scoring.request_builder import refuse_conversations, refuse_empty
        from sppl.scoring.rewarder import Rewarder, chats_loader

        todo = [one for one in tables if not one.exists]
        examples = {one.strategy: sample.examples[one.strategy] for one in todo}
        refuse_empty(examples)
        refuse_conversations(examples, "reward models")
        for source in dict.fromkeys(cast("Rewards", one.need).model for one in todo):
            model = cast("RewardModel", source)
            own = [one for one in todo if cast("Rewards", one.need).model == source]
            rewarder = Rewarder(model.load())
            on = DeviceFacts(rewarder.model, sample.hardware.device)
            chats = {}
            for one in own:
                pairs = examples[one.strategy]
                chats[one.strategy] = model.ids([(question.prompt, text) for question, text in pairs])
            lengths = [
                (question.id, len(ids))
                for name, read in chats.items()
                for (question, _), ids in zip(examples[name], read, strict=True)
            ]
            check_fits(lengths, context_length(rewarder.model.config), f"chats for the reward model {model.name}")
            for one in own:
                start, read = time.perf_counter(), chats[one.strategy]
                rewards = list(predict_batches(sample.hardware.reading(), rewarder, chats_loader(read), "reward"))
                ids = [question.id for question, _ in examples[one.strategy]]
                frame = pd.DataFrame({"example_id": ids, "reward": pd.Series(rewards, dtype=float)})
                facts = {"responses": len(ids), "tokens": sum(map(len, read)), "passes": 1.0, **on.notes()}
                one.write(frame, time.perf_counter() - start, **facts)
