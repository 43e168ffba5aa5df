"""What the score stage reads inside the target: hidden-state summaries and projected gradients, leaf by leaf."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sppl.artifacts.store import Leaf, Store
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import Gradients, HiddenStates, TokenStats
from sppl.models.target import TargetModel, frozen
from sppl.prompts import GivenQuestion, SelfAlignedPrompt
from sppl.schemas import Question, UserError
from sppl.scoring.scoring_settings import Scoring
from sppl.stages.asked import Asked, refuse_conversations
from sppl.stages.pool import Pool
from sppl.stages.scoring import fitting_requests
from sppl.training.lora import Lora, add_lora

if TYPE_CHECKING:
    from sppl.hardware.reader import ModelReader

Inside = HiddenStates | Gradients
Examples = Sequence[tuple[Question, str]]
BACKWARD = 3.0
"""A forward pass with its backward pass, in forward passes."""


def inside_leaves(
    store: Store,
    target: TargetModel,
    todo: Mapping[tuple[str, Inside], Leaf],
    examples: Mapping[str, Examples],
    *,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    trainer: Hardware,
    compared: Collection[str] = (),
    inputs_of: Callable[[str, Inside], Mapping[str, str]],
) -> None:
    """Reads all responses whose leaves are missing, given their questions, one after the other.

    The arguments are those of `sppl.stages.scoring.score_leaves`.

    Raises:
        UserError: a response is empty or does not fit, or the target has no such layer.
    """
    if not todo:
        return
    from sppl.hardware.device import Facts
    from sppl.hardware.progress import predicted
    from sppl.scoring.summariser import requests_loader

    refuse_conversations({name: examples[name] for name, _ in todo}, "hidden states and gradients")
    given = GivenQuestion()
    needs, nobody = [(name, TokenStats(given)) for name, _ in todo], Pool((), (), "")
    fitting = fitting_requests(target, needs, examples, nobody, prompt=prompt, scorer=scorer, compared=compared)
    for need in dict.fromkeys(need for _, need in todo):
        if isinstance(need, HiddenStates):
            _refuse_bare({name: fitting[name, given].responses for name, other in todo if other == need}, target)
        module = _module(target, need)
        on = Facts(module.model, trainer.device)
        runner = partial(trainer.reading(), inference_mode=False) if isinstance(need, Gradients) else trainer.reading()
        for name in [name for name, other in todo if other == need]:
            start, fit = time.perf_counter(), fitting[name, given]
            if not (responses := fit.responses):
                continue
            requests = [request for one in responses for _, request in one.requests]
            read = list(predicted(runner, module, requests_loader(requests), f"{need.name} {name}"))
            facts = fit.facts | {"responses": len(responses), "tokens": sum(one.tokens for one in responses)}
            facts["passes"] = BACKWARD if isinstance(need, Gradients) else 1.0
            frame = _summaries(responses, read) if isinstance(need, HiddenStates) else _gradients(responses, read)
            inputs, seconds = inputs_of(name, need), time.perf_counter() - start
            store.write(todo[name, need], frame, inputs, seconds, **facts, **on.notes())


def _refuse_bare(responses: Mapping[str, Sequence[Asked]], target: TargetModel) -> None:
    special = set(target.tokenizer().all_special_ids)
    bare = [f"{one.example_id} of {name}" for name, part in responses.items() for one in part if special >= {*one.ids}]
    if bare:
        raise UserError(
            f"scas: nothing but special tokens of the target in {', '.join(bare)}. Answer them with text, or leave "
            "scas out of `metric`"
        )


def _module(target: TargetModel, need: Inside) -> "ModelReader":
    """What reads the responses; gradients are taken of a copy of the target, for adapters change it.

    Raises:
        UserError: the target has no such layer.
    """
    import torch

    from sppl.scoring.projector import Projector, check_layers, read_layers
    from sppl.scoring.summariser import Summariser

    try:
        if isinstance(need, HiddenStates):
            return Summariser(frozen(target), need.layer, set(target.tokenizer().all_special_ids))
        model: Any = target.load()
        if not need.rank:
            read_layers(model, need.layers)
            return Projector(model, need.dim, need.seed)
        check_layers(model, need.layers)
    except ValueError as error:
        setting = "metric.scas.layer" if isinstance(need, HiddenStates) else "metric.grace.layers"
        raise UserError(f"{error}. Say which to read: {setting}=...") from error
    with torch.random.fork_rng():
        torch.manual_seed(need.seed)
        model = add_lora(model, Lora(need.rank, 2 * need.rank, 0.0, need.layers))
    for name, weight in model.named_parameters():
        weight.requires_grad_("lora_B" in name)  # while B is zero, A has no gradient
    return Projector(model, need.dim, need.seed)


def _summaries(responses: Sequence[Asked], read: Sequence[Any]) -> pd.DataFrame:
    frame = pd.DataFrame([one._asdict() for one in read], dtype=float)
    frame.insert(0, "example_id", [one.example_id for one in responses])
    return frame


def _gradients(responses: Sequence[Asked], read: Sequence[np.ndarray]) -> pd.DataFrame:
    dim = len(read[0])
    columns = {
        "example_id": np.repeat([one.example_id for one in responses], dim),
        "dimension": np.tile(np.arange(dim, dtype=np.int32), len(read)),
        "value": np.concatenate(read),
    }
    return pd.DataFrame(columns)
