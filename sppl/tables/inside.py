"""Makes tables that read inside the target: every response after its question, one at a time."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.hardware.device import DeviceFacts
from sppl.hardware.progress import predict_batches
from sppl.prompts import GivenQuestion
from sppl.scoring.in_context import fitting_requests
from sppl.scoring.pool import Pool
from sppl.scoring.request_builder import ResponseInContext, refuse_conversations
from sppl.scoring.summariser import requests_loader
from sppl.tables.sample import Sample, TableOf

if TYPE_CHECKING:
    from sppl.hardware.reader import ModelReader


def read_inside(
    sample: Sample,
    tables: Sequence[TableOf],
    reader: Callable[[Sample, Any], "ModelReader"],
    check: Callable[[Mapping[str, Sequence[ResponseInContext]]], None],
    rows: Callable[[Sequence[str], Sequence[Any]], pd.DataFrame],
    *,
    passes: float,
    backward: bool = False,
) -> None:
    """Makes the tables that are missing.

    Args:
        sample: the responses to read.
        tables: tables of one kind.
        reader: returns the module that reads one request at a time, given the settings of a table.
        check: refuses unusable responses, given them per strategy, before any work.
        rows: returns the table, given the responses' ids and what was read of each.
        passes: the cost of one response, in forward passes over it and its question.
        backward: whether gradients are taken.

    Raises:
        UserError: a response is empty or does not fit, or `reader` or `check` refuses it.
    """
    todo = [one for one in tables if not one.exists]
    if not todo:
        return
    names = list(dict.fromkeys(one.strategy for one in todo))
    refuse_conversations({name: sample.examples[name] for name in names}, "hidden states and gradients")
    given = GivenQuestion()
    fitting = fitting_requests(
        sample.target, [(name, given, ()) for name in names], sample.examples, Pool(), prompt=sample.prompt,
        scorer=sample.scorer, compared=sample.compared,
    )  # fmt: skip
    for need in dict.fromkeys(one.need for one in todo):
        own = [one for one in todo if one.need == need]
        check({one.strategy: fitting[one.strategy, given].responses for one in own})
        module = reader(sample, need)
        on, reading = DeviceFacts(module.model, sample.hardware.device), sample.hardware.reading()
        for one in own:
            start, fit = time.perf_counter(), fitting[one.strategy, given]
            if not (responses := fit.responses):
                continue
            requests = [request for response in responses for _, request in response.requests]
            what = f"{need.name} {one.strategy}"
            read = list(predict_batches(reading, module, requests_loader(requests), what, inference_mode=not backward))
            facts = fit.facts | {"responses": len(responses), "tokens": sum(each.tokens for each in responses)}
            frame = rows([each.example_id for each in responses], read)
            one.write(frame, time.perf_counter() - start, **facts, passes=passes, **on.notes())
