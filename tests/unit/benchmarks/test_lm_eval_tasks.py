"""Tasks of lm-eval beside a benchmark, offline: a built-in task over local documents."""

import json
from pathlib import Path

import lm_eval
import pytest

from sppl.benchmarks.lm_eval_task import LmEvalTask
from sppl.data.tokens import rendering_of
from sppl.models.target import TargetModel
from sppl.schemas import UserError

pytestmark = pytest.mark.filterwarnings("default")
BUILT_IN = Path(lm_eval.__file__).parent / "tasks"
DOCUMENTS = [
    {"question": f"Which is {n}?", "choices": {"text": ["3", str(n)], "label": ["A", "B"]}, "answerKey": "B"}
    for n in range(10, 16)
]


def write_task(folder: Path, documents: list[dict], name: str = "arc_here", **changes: object) -> str:
    """arc_challenge as lm-eval has it, over local documents; the path of its YAML."""
    data = folder / f"{name}.jsonl"
    data.write_text("".join(json.dumps(document) + "\n" for document in documents))
    task = {"include": str(BUILT_IN / "arc" / "arc_challenge.yaml"), "task": name, "dataset_path": "json"}
    task |= {"dataset_name": None, "dataset_kwargs": {"data_files": {"test": str(data)}, "cache_dir": str(folder)}}
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(task | {"training_split": None, "validation_split": None} | changes))
    return str(path)


@pytest.fixture
def target(root, monkeypatch):
    monkeypatch.chdir(root)
    return TargetModel("lab", "sppl/lab/checkpoint")


def test_a_built_in_task_over_local_documents_gives_its_own_metrics_and_a_value_per_document(target, tmp_path):
    task = LmEvalTask(write_task(tmp_path, DOCUMENTS), 4)
    model = target.load()
    frame, figures, _ = task.evaluate(model, rendering_of(target.tokenizer()), batch_size=2)
    assert [figure["metric"] for figure in figures] == ["acc", "acc_norm"]
    assert sorted(set(frame["question_id"])) == list("0123")
    for figure in figures:
        values = frame.loc[frame["metric"] == figure["metric"], "value"]
        assert figure["value"] == values.mean()
        assert figure["se"] == pytest.approx((values.var() / 4) ** 0.5)
        assert figure["higher_is_better"]
    again, _, _ = task.evaluate(model, rendering_of(target.tokenizer()), batch_size=4)
    assert again.equals(frame)


def test_a_generating_task_keeps_its_filters_and_its_first_metric_leads(target, tmp_path):
    documents = [{"question": f"What is 3 + {n}?", "answer": f"3 + {n} = {3 + n}\n#### {3 + n}"} for n in range(3)]
    include = str(BUILT_IN / "gsm8k" / "gsm8k.yaml")
    given = write_task(tmp_path, documents, "gsm8k_here", include=include, num_fewshot=1, fewshot_split="test")
    frame, figures, _ = LmEvalTask(given, None).evaluate(target.load(), rendering_of(target.tokenizer()), batch_size=3)
    assert [figure["metric"] for figure in figures] == ["exact_match,strict-match", "exact_match,flexible-extract"]
    assert len(frame) == 6
    greedy = write_task(tmp_path, documents, "gsm8k_more", include=include, num_fewshot=3, fewshot_split="test")
    with pytest.raises(UserError, match="shows 3 examples and has 3 to show"):
        LmEvalTask(greedy, None).identity()


def test_what_the_figures_depend_on_changes_with_documents_definition_and_number_and_with_nothing_else(tmp_path):
    def identity(name: str, n: int | None = 4, documents: list[dict] = DOCUMENTS, **changes: object) -> dict:
        (tmp_path / name).mkdir()
        found = LmEvalTask(write_task(tmp_path / name, documents, **changes), n).identity()
        assert found.pop("task") == "arc_here"
        return found

    first = identity("a")
    assert identity("c", n=5)["documents"] != first["documents"]
    assert identity("d", documents=DOCUMENTS[::-1])["documents"] != first["documents"]
    assert identity("e", documents=[*DOCUMENTS[:4], {**DOCUMENTS[0], "question": "?"}]) | {
        "definition": ""
    } == first | {"definition": ""}
    changed = identity("f", doc_to_text="{{question}}")
    assert changed["documents"] == first["documents"]
    assert changed["definition"] != first["definition"]


def test_a_task_without_network_says_how_to_do_without(monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"also=gsm8k: .*from the hub; without network, give the path"):
        LmEvalTask("gsm8k", 4).identity()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("arc_chalenge", r"no such task; there are .*arc_challenge"),
        ("nowhere/mine.yaml", "there is no such file"),
        ("mmlu", "is a group; name its tasks one by one"),
        ("humaneval", "outside of any sandbox"),
    ],
)
def test_a_task_that_cannot_be_used_is_refused_with_the_reason(given, why):
    with pytest.raises(UserError, match=why):
        LmEvalTask(given, 4).identity()
