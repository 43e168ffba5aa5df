"""A kind of table of one's own, by three files (the page's two, and this one): nothing in `sppl/` is touched."""

import pandas as pd
import pytest

from sppl.artifacts.store import Store
from sppl.hardware.hardware import Hardware
from sppl.lab.source import LabQuestions
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.report.chain import explain
from sppl.schemas import UserError
from sppl.scoring.pool import Pool
from sppl.scoring.scoring_settings import Scoring
from sppl.tables.sample import Sample, TableOf, make_tables
from tests.conftest import QUICK, ROOT
from tests.pages import arguments, marked, write_files

pytestmark = pytest.mark.filterwarnings("default")
PAGE = ROOT / "sppl" / "tables" / "README.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    assert len(write_files(PAGE, tmp_path)) == 2
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_kind_of_table_is_made_ranked_by_found_again_and_explained(run_py, folder):
    (command,) = marked(PAGE, "run")
    typed = [word.replace("file://my_conf", f"file://{folder}/my_conf") for word in arguments(command)]
    store = folder / "store"
    done = run_py(*typed, *QUICK, "strategy=[gpt4,claude]", "name=sizes", store=store)
    assert done.code == 0, done.out
    table = pd.read_csv(done.reports / "sizes" / "table.csv").set_index("strategy")
    assert table["tokens_per_word"].gt(1).all()
    assert sorted(table["rank_tokens_per_word"]) == [1, 2]
    kept = Store(str(store))
    (artifact,) = kept.artifacts("sizes", "lab", "lab", "gpt4")
    frame, facts = kept.read(artifact), kept.provenance(artifact)
    assert table.loc["gpt4", "tokens_per_word"] == pytest.approx((frame["tokens"] / frame["words"]).mean())
    assert [name.partition("/")[0].partition(" ")[0] for name in facts["inputs"]] == ["responses", "target"]
    assert "target model lab" in "\n".join(explain(kept, [artifact]))
    again = run_py(*typed, *QUICK, "strategy=[gpt4,claude]", "name=sizes", store=store)
    assert "to make:" not in again.out


def test_another_setting_is_another_table_and_a_wrong_column_is_refused(folder):
    from my_tables.sizes import Sizes

    questions = LabQuestions().questions("train", 2)
    examples = {"gpt4": [(question, "Seven cups") for question in questions]}
    prompt = SelfAlignedPrompt("{question}{examples}", "{answer}")
    sample = Sample(
        Store(str(folder / "s")), "lab", TargetModel("lab", "lab"), examples, Pool(), prompt, Scoring(), Hardware()
    )
    plain, small = TableOf(sample, "gpt4", Sizes()), TableOf(sample, "gpt4", Sizes(lower=True))
    assert plain.id.name != small.id.name
    make_tables([plain, small])
    assert plain.read()["words"].tolist() == [2, 2]
    with pytest.raises(UserError, match="words"):
        plain.write(pd.DataFrame({"example_id": ["q"], "tokens": [1]}), 0.0)
