"""A model's results on lm-eval's own tasks, each with its own prompts and metrics."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sppl.artifacts.once import once
from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import ArtifactId
from sppl.benchmarks.definition import Benchmark
from sppl.schemas import UserError
from sppl.study.answers import Model

if TYPE_CHECKING:
    from sppl.benchmarks.lm_eval_task import LmEvalTask

BATCH = 64
"""Batch size of lm-eval, which makes it smaller by itself where memory is short."""


@dataclass(frozen=True)
class ExtraTask:
    """One task of `benchmark.also`, with the identity that its figures depend on."""

    task: "LmEvalTask"
    identity: dict[str, Any]


@dataclass(frozen=True)
class ExtraResults:
    """A model's results on one of lm-eval's own tasks."""

    model: Model
    extra: ExtraTask
    facts: dict[str, Any]

    @once
    def id(self) -> ArtifactId:
        study, task = self.model.study, self.extra.identity
        settings = {**self.model.settings, "task": dict(task), **study.skipping}
        return study.store.artifact_id(
            "also_results", *self.model.words, task["task"], self.model.seed, settings=settings
        )

    @property
    def exists(self) -> bool:
        return self.model.study.store.exists(self.id)

    def inputs(self) -> dict[str, str]:
        return self.model.sources() | {f"lm-eval task {self.extra.identity['task']}": fingerprint(self.extra.identity)}

    def make(self) -> None:
        from sppl.data.tokens import rendering_of
        from sppl.generation.ends import end_tokens
        from sppl.generation.own_settings import configure_generate, say_ignored
        from sppl.hardware.device import DeviceFacts, place
        from sppl.scoring.model_checks import check_model
        from sppl.training.trained import load_trained

        start, study = time.perf_counter(), self.model.study
        target, device = study.target, study.hardware.device
        model = place(load_trained(target, self.model.folder()), device)
        check_model(model)
        on, rendering = DeviceFacts(model, device), rendering_of(target.tokenizer(), target.asking)
        ends, followed = end_tokens(rendering, model.generation_config), target.generation == "model"
        say_ignored(target.name, model.generation_config, followed=followed)
        with configure_generate(model, ends, followed=followed):
            frame, figures, left_out = self.extra.task.evaluate(
                model, rendering, batch_size=BATCH, device=str(device), overlong=study.benchmark.overlong
            )
        said = {"figures": figures, "overlong": left_out, **on.notes(), **self.facts}
        study.store.write(self.id, frame, self.inputs(), time.perf_counter() - start, **said)
        study.store.clear_parts(self.id)


def extra_tasks(benchmark: Benchmark, n_test: int | str) -> list[ExtraTask]:
    """Returns the tasks of `benchmark.also`.

    Raises:
        UserError: one of them cannot be used, or is named twice.
    """
    if not benchmark.also:
        return []
    from sppl.benchmarks.lm_eval_task import LmEvalTask

    tasks = [LmEvalTask(given, None if n_test == "all" else int(n_test)) for given in benchmark.also]
    found = {task: task.identity() for task in tasks}
    names = [identity["task"] for identity in found.values()]
    if len(names) < len(tasks) or len(set(names)) < len(names):
        raise UserError(f"benchmark.also names a task twice: {', '.join(names)}")
    return [ExtraTask(task, identity) for task, identity in found.items()]
