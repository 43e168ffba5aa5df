"""Extra tasks of lm-evaluation-harness beside a benchmark, run as its own command runs them.

A task keeps its own prompts, few-shot examples, filters and metrics; it only gets the target's chat template.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from sppl.benchmarks.harness import quiet
from sppl.benchmarks.lm_eval_run import evaluate_task
from sppl.data.rendering import Rendering
from sppl.schemas import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class LmEvalTask:
    """One task of `benchmark.also`.

    Args:
        given: the name of a task that comes with lm-eval, or the path of a task's YAML file.
        n: how many of its documents are used, from the first; None for all.
    """

    given: str
    n: int | None

    def identity(self) -> dict[str, Any]:
        """Returns what its figures depend on: its name, and digests of its definition and of its documents.

        Raises:
            UserError: there is no such task, it or its data cannot be read, or it would run generated code.
        """
        task = load(self.given)
        documents = [dict(document) for document in islice(task.eval_docs, self.n)]
        shown = [dict(document) for document in task.fewshot_docs() or []] if task.config.num_fewshot else []
        own = task.config.fewshot_split in (task.config.test_split, None)  # a document is never its own example
        if task.config.num_fewshot and len(shown) < task.config.num_fewshot + own:
            raise UserError(
                f"benchmark.also={self.given} shows {task.config.num_fewshot} examples and has {len(shown)} to show; "
                "lower its num_fewshot"
            )
        config = {**task.dump_config(), "metadata": {"version": task.VERSION}}
        return {
            "task": task.task_name,
            "definition": _digest(re.sub(r" at 0x\w+", "", json.dumps(config, sort_keys=True, default=str))),
            "documents": _digest(json.dumps([documents, shown], default=str)),
            "lm_eval": version("lm-eval"),
        }

    def evaluate(
        self,
        model: "PreTrainedModel",
        rendering: Rendering,
        *,
        batch_size: int,
        device: str = "cpu",
        overlong: Literal["refuse", "skip"] = "refuse",
    ) -> tuple[pd.DataFrame, list[dict[str, Any]], int]:
        """Measures a model on the task.

        Returns:
            A frame `question_id, metric, value`, for metrics with a value per document; per metric, the task's
            main one first, a mapping `metric, value, se, higher_is_better` (`se` None where the metric is no mean). A
            metric behind one of several filters is called `metric,filter`. And how many documents were too long.
        """
        task = load(self.given)
        found, left_out = evaluate_task(
            model, rendering, task, batch_size=batch_size, device=device, limit=self.n, overlong=overlong
        )
        values = [
            (str(sample["doc_id"]), _called(metric, sample["filter"]), float(value))
            for sample in found["samples"][task.task_name]
            for metric in sample["metrics"]
            if isinstance(value := sample[metric], int | float)
        ]
        columns = {"question_id": str, "metric": str, "value": float}
        frame = pd.DataFrame(values, columns=list(columns)).astype(columns)
        return frame, _figures(task, found, frame), left_out


def _figures(task: Any, found: dict[str, Any], frame: pd.DataFrame) -> list[dict[str, Any]]:
    better = found["higher_is_better"][task.task_name]
    figures = []
    for key, value in found["results"][task.task_name].items():
        metric, comma, kind = key.partition(",")
        if not comma or not isinstance(value, int | float) or metric.endswith("_stderr"):
            continue
        name = _called(metric, kind)
        each = frame.loc[frame["metric"] == name, "value"].to_numpy(float)
        mean = len(each) > 1 and abs(each.mean() - value) < 1e-9
        error = float(each.std(ddof=1) / len(each) ** 0.5) if mean else None
        figures.append({"metric": name, "value": float(value), "se": error, "higher_is_better": better.get(metric)})
    first = [part["metric"] for part in task.config.metric_list or []][:1]
    return sorted(figures, key=lambda figure: figure["metric"].partition(",")[0] not in first)


def _called(metric: str, kind: str) -> str:
    return metric if kind == "none" else f"{metric},{kind}"


@lru_cache(maxsize=32)
def load(given: str) -> Any:
    """Returns the lm-eval task with its data loaded.

    Raises:
        UserError: see `LmEvalTask.identity`.
    """
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HfHubHTTPError
    from lm_eval.tasks import TaskManager

    quiet()
    path = _file(given)
    text = path.read_text(errors="replace")
    if re.search(r"^group:", text, re.M):
        raise UserError(f"benchmark.also={given} is a group; name its tasks one by one, each becomes a column")
    if re.search(r"^unsafe_code:\s*true", text, re.M):
        raise UserError(f"benchmark.also={given} runs code the model wrote, outside of any sandbox; use benchmark=mbpp")
    try:
        tasks = TaskManager(include_defaults=False).load(str(path))["tasks"]
    except (
        OSError, ValueError, KeyError, TypeError, AssertionError, ImportError, DatasetNotFoundError, HfHubHTTPError,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"benchmark.also={given}: the task or its data cannot be read ({type(error).__name__}: {reason}). Tasks "
            "of lm-eval read their data from the hub; without network, give the path of a YAML file that includes "
            "the task's and names local files (sppl/benchmarks/tasks/README.md)"
        ) from error
    (task,) = tasks.values()
    if task.config.num_fewshot is None:
        task.set_config("num_fewshot", 0)
    return task


def _file(given: str) -> Path:
    """The YAML of a task: the path itself, or the file among lm-eval's that defines the name.

    lm-eval's own index parses its 14,000 files, which takes 13 s; finding one line in them takes a quarter of one.
    """
    if given.endswith((".yaml", ".yml")):
        if not Path(given).is_file():
            raise UserError(f"benchmark.also={given}: there is no such file; give the path of an lm-eval task's YAML")
        return Path(given)
    spec = find_spec("lm_eval")
    assert spec is not None
    assert spec.submodule_search_locations
    tasks = Path(spec.submodule_search_locations[0], "tasks")
    line = re.compile(rb"^(?:task|group):[ \t]*[\"']?" + re.escape(given.encode()) + rb"[\"']?[ \t\r]*(?:#.*)?$", re.M)
    found = sorted(path for path in tasks.rglob("*.yaml") if line.search(path.read_bytes()))
    if not found:
        near = sorted(path.stem for path in tasks.rglob(f"*{given.split('_')[0]}*.yaml") if path.stem[0] != "_")[:12]
        raise UserError(
            f"benchmark.also={given}: lm-eval has no such task"
            + (f"; there are {', '.join(near)}" if near else "")
            + ". Names are those of `lm-eval ls tasks`; or give the path of a YAML file"
        )
    return found[0]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
