"""The scorer: log-probability and rank of every token of given responses under a frozen causal language model."""

import logging
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from sppl.hardware.device import memory_for_work
from sppl.hardware.reader import ModelReader
from sppl.schemas import UserError
from sppl.scoring.attention import head_width, kernel
from sppl.scoring.columns import ExtraColumns
from sppl.scoring.forms import exact_form, padded_states
from sppl.scoring.head import token_statistics
from sppl.scoring.model_checks import check_model
from sppl.scoring.packed import PrefixCache, packed_states, read_prefix
from sppl.scoring.planner import ForwardPass, PassForm, plan_passes
from sppl.scoring.requests import ScoringRequest

log = logging.getLogger(__name__)


class Scored(NamedTuple):
    """Statistics of one request's scored tokens."""

    index: int
    logprobs: np.ndarray
    """float32, nats."""
    ranks: np.ndarray
    """int32; 1 + how many vocabulary entries are more likely than the token."""
    further: Mapping[str, np.ndarray]
    """The columns of `sppl.scoring.columns` that were asked for."""


ON_CPU = 4096
"""Tokens of a forward pass on a CPU."""
MOST = 65_536
"""Tokens after which larger passes are no faster on a GPU."""
MOST_COST = 8192
"""Tokens a GPU could read in the time that starting a pass takes, however small the model."""
COST_WEIGHTS = 7e12
"""The same of larger models, times their weights."""
SHARE = 0.5
"""Share of the memory beside the weights that one pass may take."""


def tokens_at_once(model: PreTrainedModel, device: torch.device) -> int:
    """Returns how many tokens a forward pass should have on a device, the same in every run there.

    Args:
        model: what will read them, wherever it lies now.
        device: where it will.
    """
    if device.type == "cpu":
        return ON_CPU
    config = model.config.get_text_config()
    if kernel(torch.empty(0, head_width(config), dtype=model.dtype, device=device)) == "masked":
        return ON_CPU  # pairs of tokens that do not see each other are computed, too
    wide = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    each = (4 * wide + 12 * config.hidden_size) * model.dtype.itemsize
    return max(ON_CPU, min(MOST, int(SHARE * memory_for_work(model, device) / each)))


def pass_cost(model: PreTrainedModel, device: torch.device) -> int:
    """Returns how many tokens the model could read in the time a forward pass takes beside its tokens.

    On a GPU that is the starting of its kernels, some 30 ms, in which it reads the fewer tokens the larger it is: 9,000
    at 135 million weights, 3,000 at 1.5 billion, 1,000 at 7 billion (H200, `experiments/scoring_speed`).
    """
    if device.type == "cpu":
        return 0
    return int(min(MOST_COST, COST_WEIGHTS / max(1, model.num_parameters())))


class ResponseScorer(ModelReader):
    """Scores passes: `Trainer.predict(scorer, passes_loader(passes))` gives one list of `Scored` per pass.

    The weights keep their dtype, whatever the precision of training (`Hardware.reading`). A pass that does not fit into
    memory is planned again with half its tokens, and so is every later one as large: one scorer per model remembers it.

    Args:
        model: its output and its shared forms are checked here, once, on a few tokens.
        further: columns of `sppl.scoring.columns` to fill; may be set anew between runs.
        form: how passes are to be planned.

    Raises:
        UserError: the model is not causal, computes no numbers, or its output is more than its last hidden state times
            its head.
    """

    def __init__(
        self, model: PreTrainedModel, further: Sequence[str] = (), form: PassForm | Literal["auto"] = "auto"
    ) -> None:
        super().__init__(model.requires_grad_(False))
        self.further = tuple(further)
        self.max_tokens: int | None = None
        """What memory was found to hold; None until it ran out."""
        self._cache: PrefixCache | None = None
        with torch.inference_mode():
            check_model(self.model)
            self.form: PassForm = exact_form(self.model, form)
            """The form that is exact for this model: `plan_passes` is to be given it."""

    def score(self, requests: Sequence[ScoringRequest], *, max_tokens: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Returns log-probabilities (float32, nats) and ranks (int32) of each request's scored tokens, in their order.

        Works without a trainer, for a list of requests that fits into memory.
        """
        numbered = [ScoringRequest(request.prefix, request.response, index) for index, request in enumerate(requests)]
        passes = plan_passes(
            numbered, max_tokens=max_tokens, form=self.form, pass_cost=pass_cost(self.model, self.model.device)
        )
        with torch.inference_mode():
            scored = [one for number, batch in enumerate(passes) for one in self.predict_step(batch, number)]
        return [(one.logprobs, one.ranks) for one in sorted(scored, key=lambda one: one.index)]

    def predict_step(self, batch: ForwardPass, batch_idx: int) -> list[Scored]:
        """Returns the statistics of every request of the pass."""
        if self.max_tokens is not None and batch.row_tokens > self.max_tokens and len(batch.requests) > 1:
            return self._in_parts(batch, batch_idx)
        try:
            return self._score(batch)
        except torch.OutOfMemoryError as error:
            if len(batch.requests) == 1 or batch.row_tokens <= 1:
                error.add_note("one request alone does not fit; take a smaller dtype, shorter prompts or overlong=skip")
                raise
            self.max_tokens = max(1, batch.row_tokens // 2)
            log.warning("out of memory at %d tokens: going on with max_tokens=%d", batch.row_tokens, self.max_tokens)
        self._cache = None
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        return self._in_parts(batch, batch_idx)

    def _in_parts(self, batch: ForwardPass, batch_idx: int) -> list[Scored]:
        form = "padded" if batch.form == "padded" else "tree"
        most = self.max_tokens or batch.row_tokens
        parts = plan_passes(
            batch.requests, max_tokens=most, form=form, pass_cost=pass_cost(self.model, self.model.device)
        )
        return [scored for part in parts for scored in self.predict_step(part, batch_idx)]

    def _score(self, batch: ForwardPass) -> list[Scored]:
        tokens = [token for r in batch.requests for token in r.response[len(r.response) - r.n_scored :]]
        further = ExtraColumns(self.further, len(tokens), self.model.device) if self.further else None
        wanted = torch.tensor(tokens, dtype=torch.long)
        logprobs, ranks = token_statistics(self.model, self._states(batch), wanted, further)
        if not np.isfinite(logprobs).all():
            bad, dtype = int((~np.isfinite(logprobs)).sum()), str(self.model.dtype).removeprefix("torch.")
            wider = "bfloat16" if dtype == "float16" else "float32"
            raise UserError(
                f"{type(self.model).__name__} gives {bad} of {len(logprobs)} tokens no finite log-probability in "
                f"{dtype}; try target_model.dtype={wider}"
            )
        columns = further.arrays() if further else {}
        ends = np.cumsum([request.n_scored for request in batch.requests])
        spans = [slice(end - request.n_scored, end) for end, request in zip(ends, batch.requests, strict=True)]
        return [
            Scored(request.index, logprobs[span], ranks[span], {name: v[span] for name, v in columns.items()})
            for request, span in zip(batch.requests, spans, strict=True)
        ]

    def _states(self, batch: ForwardPass) -> Tensor:
        if batch.form == "padded":
            return padded_states(self.model, batch)
        if not batch.cached:
            self._cache = None
        elif self._cache is None or self._cache.tokens != batch.cached:
            self._cache = read_prefix(self.model, batch.cached)
        return packed_states(self.model, batch, self._cache)


def passes_loader(passes: Sequence[ForwardPass]) -> DataLoader:
    """Returns a loader that hands the trainer one planned pass at a time."""
    return DataLoader(list(passes), batch_size=None)  # pyright: ignore[reportArgumentType]
