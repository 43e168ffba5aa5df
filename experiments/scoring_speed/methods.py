"""The ways to score that are compared; each returns the mean loss (nats) of every request."""

from collections.abc import Sequence

import torch
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, models
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer


def one_by_one(model: PreTrainedModel, requests: Sequence[ScoringRequest]) -> list[float]:
    """One pair at a time, logits of every position, the model's own loss on the response: the paper's loop."""
    losses = []
    for request in requests:
        ids = torch.tensor([request.prefix + request.response], device=model.device)
        labels = torch.tensor([(-100,) * len(request.prefix) + request.response], device=model.device)
        losses.append(model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss.item())
    return losses


def lm_eval(model: PreTrainedModel, requests: Sequence[ScoringRequest], *, batch_size: int = 4) -> list[float]:
    """lm-eval's `HFLM` on token ids, as its `loglikelihood` calls it."""
    words = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="a", pad_token="a")
    runner = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size, max_length=8192)
    asked = [(("", str(r.index)), list(r.prefix), list(r.response)) for r in requests]
    answers = runner._loglikelihood_tokens(asked, disable_tqdm=True)
    return [-answer[0] / len(request.response) for answer, request in zip(answers, requests, strict=True)]


def ours(scorer: ResponseScorer, requests: Sequence[ScoringRequest], *, max_tokens: int) -> list[float]:
    """As the score stage does it, with one scorer per model; padded rows where the scorer's form is `padded`."""
    return [float(-logprobs.mean()) for logprobs, _ in scorer.score(requests, max_tokens=max_tokens)]
