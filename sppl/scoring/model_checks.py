"""Checks on a few tokens that a model's statistics can be trusted."""

from typing import Any

import torch
from torch import Tensor

from sppl.models.loading import body_of
from sppl.schemas import UserError
from sppl.scoring.head import logits

RULED_OUT = -1e30
"""Logits below this say that a token cannot be, such as those that only fill up the vocabulary."""
TOKENS = (5, 6, 7, 8, 9, 10, 11, 12)


def check_model(model: Any) -> None:
    """Refuses a model that reads ahead, computes no numbers, or changes its output after its head.

    Raises:
        UserError: naming the model's class and what is wrong.
    """
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    size, name, training = model.config.get_text_config().vocab_size, type(bare).__name__, model.training
    model.eval()
    ids = torch.tensor([TOKENS], device=model.device) % size
    later = ids.clone()
    later[0, -1] = (later[0, -1] + 1) % size
    try:
        with torch.inference_mode():
            own, other = (model(input_ids=one, use_cache=False).logits[0].float() for one in (ids, later))
            ours = logits(model, body_of(model)(input_ids=ids, use_cache=False).last_hidden_state[0]).float()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{name} cannot be run on token ids alone ({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
            "take a causal language model: target_model.path=FOLDER"
        ) from error
    finally:
        model.train(training)
    if own.isnan().any() or own.max() == torch.inf:
        dtype = str(model.dtype).removeprefix("torch.")
        wider = "float32" if dtype == "bfloat16" else "bfloat16 or float32"
        raise UserError(f"{name} computes no finite numbers in {dtype}; try target_model.dtype={wider}")
    tolerance = 1e-4 if model.dtype in (torch.float32, torch.float64) else 5e-2
    if _differ(own[:-1], other[:-1], tolerance):
        raise UserError(
            f"{name} is no causal language model: what it says of a token depends on the tokens after it, so it can "
            "neither answer nor be scored. Take one that continues a text: target_model.path=FOLDER"
        )
    if _differ(own, ours, tolerance):
        raise UserError(
            f"{name} changes its logits after the head in a way that is not known here, so every score would be "
            "wrong; take another target: target_model.path=FOLDER"
        )


def _differ(one: Tensor, other: Tensor, tolerance: float) -> bool:
    """Whether logits differ, columns aside that a model rules out: a share of an infinite norm would be no measure."""
    ruled, too = one < RULED_OUT, other < RULED_OUT
    if not torch.equal(ruled, too):
        return True
    one, other = one.masked_fill(ruled, 0), other.masked_fill(ruled, 0)
    return not (one - other).norm() <= tolerance * one.norm()
