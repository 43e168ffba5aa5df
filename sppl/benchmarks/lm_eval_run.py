"""Runs one task of lm-evaluation-harness on a model, in the target's chat template and with nothing cut."""

import logging
import random
import sys
from copy import deepcopy
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

from sppl.benchmarks.fitting import fitting_documents
from sppl.benchmarks.harness import quiet
from sppl.data.rendering import Rendering
from sppl.models.loading import context_length
from sppl.schemas import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)


def evaluate_task(
    model: "PreTrainedModel",
    rendering: Rendering,
    task: Any,
    *,
    batch_size: int,
    device: str,
    limit: int | None = None,
    overlong: Literal["refuse", "skip"] = "refuse",
) -> tuple[dict[str, Any], int]:
    """Evaluates a model on one task as lm-eval's own command does, in the target's chat template.

    Its `simple_evaluate` asks pip and the system about their versions for every model, which takes a second; the store
    keeps the versions anyway.

    Args:
        rendering: how the target's conversations are written.
        overlong: lm-eval would cut the beginning of what does not fit; here it is refused, or left out.

    Returns:
        What `lm_eval.evaluate` gives, and how many documents were left out.

    Raises:
        UserError: a document does not fit and is not to be skipped, or none fits.
    """
    import lm_eval
    import numpy as np
    import torch
    from lm_eval.models.huggingface import HFLM

    quiet()
    random.seed(0)  # these four seeds are the command's
    np.random.seed(1234)
    torch.manual_seed(1234)
    longest = context_length(model.config) or sys.maxsize
    options: dict[str, Any] = {"batch_size": batch_size, "max_length": longest, "device": device}
    options["trust_remote_code"] = False
    wrapped: Any = HFLM(**{"pretrained": model, "tokenizer": _ended(rendering)}, **options)
    wrapped.apply_chat_template = partial(_written, rendering)
    if not sys.stderr.isatty():  # a log file is no place for progress bars
        wrapped.generate_until = partial(wrapped.generate_until, disable_tqdm=True)
        wrapped.loglikelihood = partial(wrapped.loglikelihood, disable_tqdm=True)
    ask: Any = lm_eval.evaluate  # its decorator hides its signature from type checkers
    tasks = {"tasks": {task.task_name: task}, "groups": {}, "group_map": {}}
    how = {"apply_chat_template": True, "fewshot_as_multiturn": True, "bootstrap_iters": 0}
    fitting, left_out = fitting_documents(wrapped, task, longest, limit, overlong)
    task.set_fewshot_seed(seed=1234)
    chosen = {"samples": {task.task_name: fitting}} if left_out else {"limit": limit}
    return ask(lm=wrapped, task_dict=tasks, **chosen, **how), left_out


def _written(rendering: Rendering, chat_history: list[Any], add_generation_prompt: bool = True) -> str:
    """A conversation as text; as in lm-eval, a system turn is dropped where the template takes none, with a warning."""

    def write(turns: list[Any]) -> str:
        return rendering.prompt_text(turns) if add_generation_prompt else rendering.open_text(turns)

    try:
        return write(chat_history)
    except UserError:
        rest = [turn for turn in chat_history if turn["role"] != "system"]
        if len(rest) == len(chat_history):
            raise
        _say_once(f"{rendering.name}: its chat template takes no system turn: the task's instruction is left out")
        return write(rest)


def _ended(rendering: Rendering) -> Any:
    """The tokenizer with an end token and a padding token, which lm-eval needs."""
    tokenizer: Any = rendering.tokenizer
    if tokenizer.eos_token_id is None:
        tokenizer = deepcopy(tokenizer)
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(min(rendering.ends))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


@lru_cache(maxsize=64)
def _say_once(message: str) -> None:
    log.warning(message)
