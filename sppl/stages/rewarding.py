"""The rewards of responses: each model loaded once, one leaf per strategy."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import pandas as pd

from sppl.artifacts.store import Leaf, Store
from sppl.data.tokens import check_fits
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import Rewards
from sppl.models.loading import context_length
from sppl.models.reward import RewardModel
from sppl.schemas import Question
from sppl.stages.asked import refuse_conversations, refuse_empty

Examples = Sequence[tuple[Question, str]]


def reward_leaves(
    store: Store,
    todo: Mapping[tuple[str, Rewards], Leaf],
    examples: Mapping[str, Examples],
    *,
    trainer: Hardware,
    inputs_of: Callable[[str, Rewards], Mapping[str, str]],
) -> None:
    """Rates all responses whose leaves are missing, and writes leaf by leaf; `inputs_of` says what each is made from.

    Raises:
        UserError: a response is empty or too long, or a reward model cannot be used.
    """
    from sppl.hardware.device import Facts
    from sppl.hardware.progress import predicted
    from sppl.scoring.rewarder import Rewarder, chats_loader

    refuse_empty({name: examples[name] for name, _ in todo})
    refuse_conversations({name: examples[name] for name, _ in todo}, "reward models")
    for need in dict.fromkeys(need for _, need in todo):
        source = cast("RewardModel", need.model)
        names = [name for name, other in todo if other == need]
        rewarder = Rewarder(source.load())
        on = Facts(rewarder.model, trainer.device)
        limit = context_length(rewarder.model.config)
        chats = {name: source.ids([(question.prompt, text) for question, text in examples[name]]) for name in names}
        lengths = [
            (question.id, len(ids))
            for name in names
            for (question, _), ids in zip(examples[name], chats[name], strict=True)
        ]
        check_fits(lengths, limit, f"chats for the reward model {source.name}")
        for name in names:
            start = time.perf_counter()
            rewards = list(predicted(trainer.reading(), rewarder, chats_loader(chats[name]), "reward"))
            ids = [question.id for question, _ in examples[name]]
            frame = pd.DataFrame({"example_id": ids, "reward": pd.Series(rewards, dtype=float)})
            facts = {"responses": len(ids), "tokens": sum(map(len, chats[name])), "passes": 1.0}
            inputs, seconds = inputs_of(name, need), time.perf_counter() - start
            store.write(todo[name, need], frame, inputs, seconds, **facts, **on.notes())
