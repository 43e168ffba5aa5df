"""A metric of one's own, by three files in a folder of one's own: nothing in `sppl/` or `conf/` is touched."""

import pandas as pd
import pytest

from hydra_plugins.sppl_metrics import every_metric
from sppl.analysis.resampling import value_of
from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")

METRIC = '''
from dataclasses import dataclass

from sppl.metrics.needs import EXAMPLE, TokenStats, as_values
from sppl.prompts import GivenQuestion


@dataclass(frozen=True)
class WorstToken:
    """The largest token NLL (nats) of a response given its question; the mean over examples. Lower is better."""

    higher_is_better: bool | None = False
    name = "worst_token"

    def needs(self):
        return (TokenStats(GivenQuestion()),)

    def per_example(self, tables):
        return as_values(-tables[self.needs()[0]].groupby(EXAMPLE)["logprob"].min())
'''

CONFIG = """# @package metric.worst_token
_target_: own_metrics.worst_token.WorstToken
higher_is_better: false
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own_metrics").mkdir()
    (tmp_path / "own_metrics" / "worst_token.py").write_text(METRIC)
    (tmp_path / "own_conf" / "metric").mkdir(parents=True)
    (tmp_path / "own_conf" / "metric" / "worst_token.yaml").write_text(CONFIG)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_metric_is_added_by_configuration_only(run_py, folder):
    done = run_py(
        *QUICK, f"hydra.searchpath=[file://{folder}/own_conf]", "metric=[perplexity,worst_token]", "name=own",
        "strategy=[gpt4,claude]", "stage=[score,rank,report]",
    )  # fmt: skip
    assert done.code == 0, done.out
    table = pd.read_csv(done.reports / "own" / "table.csv").set_index("strategy")
    table = table.drop(index="untrained", errors="ignore")  # there where other tests trained these strategies
    assert table["worst_token"].gt(0).all()
    assert sorted(table["rank_worst_token"]) == [1, 2]
    judged = pd.read_csv(done.reports / "own" / "metrics.csv").set_index("metric")
    assert judged.loc["worst_token", "direction"] == "lower"
    assert judged.loc["worst_token", "cost"] == 1


def test_its_numbers_worked_out_by_hand(folder):
    from own_metrics.worst_token import WorstToken

    from tests.unit.metrics.tables import table, values

    metric = WorstToken()
    tables = {metric.needs()[0]: table({"a": [-1.0, -3.0], "b": [-0.5]})}
    assert values(metric, tables) == {"a": 3.0, "b": 0.5}
    assert value_of(metric, metric.per_example(tables)) == 1.75


def test_the_cheap_metrics_say_where_they_disagree_and_nothing_is_trained(run_py):
    done = run_py("experiment=pick", *QUICK, "strategy=[gpt4,claude,rewrite]")
    assert done.code == 0, done.out
    assert "finetune: found" not in done.out
    frame = pd.read_csv(done.reports / "pick" / "disagreement.csv")
    assert set(frame["strategy"]) == {"gpt4", "claude", "rewrite"}
    assert (frame["spread"] == frame["worst_rank"] - frame["best_rank"]).all()
    picked = int(frame["first_by"].notna().sum())
    assert f"Where the metrics disagree: {picked} strateg" in done.out
    assert "Where the metrics disagree" in (done.reports / "pick" / "index.html").read_text()
    pairs = pd.read_csv(done.reports / "pick" / "agreement.csv")
    assert len(pairs) == 10 * 9 / 2
    costs = pd.read_csv(done.reports / "pick" / "costs.csv").set_index("metric")
    assert costs.loc["in_context_gain_n2", "passes"] == pytest.approx(1 + costs.loc["sppl_n2", "passes"])
    assert costs["seconds"].gt(0).all()


def test_every_metric_at_once_ranks_every_strategy(run_py):
    done = run_py(
        "metric=[all]", *QUICK, "strategy=[gpt4,claude,human_examples]", "name=every", "n_pilot=8",
        "metric.grace.dim=16", "stage=[predict,score,pilot_finetune,pilot_benchmark,rank,report]",
    )  # fmt: skip
    assert done.code == 0, done.out
    judged = pd.read_csv(done.reports / "every" / "metrics.csv")
    assert len(judged) == len(every_metric())
    assert {"scas", "grace_d16", "train_then_test_n8"} < set(judged["metric"])
    assert judged["metric"].iloc[-1] == "length"
    table = pd.read_csv(done.reports / "every" / "table.csv").query("strategy != 'untrained'")
    assert table[judged["metric"]].notna().all(axis=None)
    assert "Value (rank) of each strategy by each metric" in done.out
    assert judged["seconds"].gt(0).all()
