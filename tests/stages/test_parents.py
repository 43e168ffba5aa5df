"""Every artifact knows what it was made from, down to sources; `explain` prints it."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from sppl.artifacts.store import Store
from sppl.report.chain import MADE_OF, explain, find_artifacts
from sppl.schemas import UserError

pytestmark = pytest.mark.filterwarnings("default")
KINDS = {
    "responses", "predictions", "verdicts", "token_stats", "hidden_states", "gradients", "races", "scores", "rankings",
    "samples", "adapters", "answers", "results",
}  # fmt: skip
SOURCES = re.compile(r"(questions of|target model|reward model|simulated responses of|judge)\b")


def ends(store: Store, name: str) -> set[str]:
    """The sources at the ends of an artifact's chain."""
    inputs = store.provenance(store.open(name))["inputs"]
    assert inputs, f"{name} has no inputs"
    found: set[str] = set()
    for parent, digest in inputs.items():
        if store.holds(parent):
            assert store.digest(store.open(parent)) == digest
            found |= ends(store, parent)
        else:
            found.add(parent)
    return found


def every(store: Store) -> list[str]:
    paths = sorted(Path(store.root).rglob("*.json"))
    names = [path.relative_to(store.root).with_suffix("").as_posix() for path in paths]
    return [name for name in names if name.count("/") and store.holds(name)]


@pytest.fixture
def store(stage, tmp_path):
    store = Store(str(tmp_path / "store"), typed=("python run.py", "name=parents"))
    two = "strategy=[gpt4,claude]"
    stage("generate", store, two)
    stage("predict", store)
    stage("score", store, two, "metric=[sppl,scas,grace]", "metric.grace.dim=8")
    race = [two, "metric=[sppl]", "scorer.budget=race", "scorer.first=3", "scorer.then=3"]
    stage("score", store, *race)
    stage("rank", store, *race)
    stage("finetune", store, "strategy=[gpt4]")
    stage("benchmark", store, "strategy=[gpt4]")
    return store


def test_the_chain_of_every_artifact_ends_in_sources(store):
    names = every(store)
    assert {name.partition("/")[0] for name in names} == KINDS
    for name in names:
        found = ends(store, name)
        assert found
        assert all(SOURCES.match(one) for one in found), found


def test_explain_walks_from_a_cell_to_files_and_says_the_command(store, stage, tmp_path):
    results = [name for name in every(store) if name.startswith("results/")]
    rankings = [name for name in every(store) if name.startswith("rankings/")]
    stage("report", store, f"reports={tmp_path / 'reports'}", rankings=rankings, results=results)
    report = tmp_path / "reports" / "default"
    assert (report / MADE_OF).exists()
    trained = list(explain(store, find_artifacts(store, "gpt4/accuracy", report)))
    assert trained[0].startswith("results/lab/lab/gpt4/seed0-")
    for kind in ("answers/", "adapters/", "responses/", "questions of lab: ", "target model lab: "):
        assert any(line.strip().startswith(kind) for line in trained), kind
    assert "    by: python run.py name=parents" in trained
    scored = list(explain(store, find_artifacts(store, "gpt4/sppl_n2", report)))
    assert scored[0].startswith("scores/lab/lab/gpt4/sppl_n2-")
    assert any(line.strip().startswith("predictions/lab/lab/") for line in scored)
    with pytest.raises(UserError, match=r"explain=nothing: .*no artifact of that name.*explain=gpt4/accuracy"):
        find_artifacts(store, "nothing", report)
    value = pd.read_csv(report / "table.csv").set_index("strategy")["sppl_n2"]["gpt4"]
    assert [artifact.name for artifact in find_artifacts(store, f"{value:.3f}", report)] == [scored[0]]


def test_a_cell_of_another_report_is_found_in_it_and_its_command_is_said(store, tmp_path):
    reports, name = tmp_path / "reports", next(name for name in every(store) if name.startswith("results/"))
    for folder, strategy in {"default-mine": name.split("/")[3], "other": "else"}.items():
        (reports / folder).mkdir(parents=True)
        (reports / folder / "table.csv").write_text(f"strategy,accuracy\n{strategy},0.5\n")
        (reports / folder / MADE_OF).write_text(json.dumps({"results": [name], "rankings": []}))
    typed = ("python run.py", f"explain={name.split('/')[3]}/accuracy", "store=s")
    cell = typed[1].removeprefix("explain=")
    with pytest.raises(UserError, match=r"there is no report .*default\. 1 in .* has it:") as refused:
        find_artifacts(store, cell, reports / "default", typed)
    assert str(refused.value).endswith(f"\n  python run.py store=s {typed[1]} name=default-mine")
    with pytest.raises(UserError, match=r"the table of .*other no such cell.* 1 in .* has it:"):
        find_artifacts(store, cell, reports / "other", typed)
    with pytest.raises(UserError, match=r"there is no report .*; give a name.*\(name=NAME\): default-mine, other"):
        find_artifacts(store, "else/nothing", reports / "default", typed)
    with pytest.raises(UserError, match="none was made yet"):
        find_artifacts(store, cell, tmp_path / "empty" / "default", typed)
