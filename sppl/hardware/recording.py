"""Records work on CUDA once, so that it can be started as a whole instead of kernel by kernel."""

import logging
from collections.abc import Callable
from typing import Any

import torch

from sppl.models.positions import same_positions

log = logging.getLogger(__name__)


def can_record(model: Any) -> bool:
    """Whether a model's passes start the same kernels whatever is read: its class says so, and its positions do.

    Experts that are called by how many tokens they get, or embeddings that look at the longest position, wait for one.
    """
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    changing = same_positions(model.config.get_text_config())(1)
    return bool(getattr(bare, "_can_compile_fullgraph", False)) and not changing


def record(
    work: Callable[[], None], device: torch.device, pool: Any = None, *, warm: bool = False
) -> tuple[Callable[[], None], Any]:
    """Returns a function that repeats `work` at the same addresses, and the memory pool of its results.

    `work` itself is run once on the way, and the caller has to undo what that changed. Where it cannot be recorded, as
    on a CPU, the function is `work`.

    Args:
        work: waits for nothing and reads no tensor's value on the CPU.
        device: where it works.
        pool: memory of earlier recordings, for work that never runs at the same time as they.
        warm: whether the same kernels have been recorded before: `work` is not run beforehand then.
    """
    if device.type != "cuda":
        work()
        return work, None
    if not warm:
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):  # recording must not be a kernel's first run
            work()
        torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, pool=pool):
            work()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        log.warning("a step cannot be recorded, so its kernels are started one by one, which is slower: %s", why)
        return work, pool
    return graph.replay, graph.pool()
