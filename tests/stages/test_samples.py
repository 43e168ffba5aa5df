"""The samples artifact of a ranking: lengths as training has them, verdicts, and what an example looks like."""

import pandas as pd
import pytest

from sppl.study.plan import ranking_of
from sppl.study.samples import samples_of
from sppl.training.training_examples import encode_examples
from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")
TWO = ["strategy=[gpt4,claude]", "metric=[sppl,length]"]


def test_the_lengths_are_those_of_the_training_examples_and_the_prompt_is_the_scorers(stage, store, lab):
    for name in ("generate", "predict", "score"):
        stage(name, store, *TWO)
    plan = stage("rank", store, *TWO)
    ranking = ranking_of(plan)
    frame, facts = samples_of(store, [ranking])
    assert frame.groupby("strategy").size().to_dict() == {"claude": 6, "gpt4": 6}
    said = facts["lab", "lab"]
    responses = next(artifact for artifact in store.artifacts("responses", "lab", "*") if "gpt4" in artifact.name)
    texts = store.read(responses).set_index("question_id")["response"]
    questions = lab.benchmark.questions.questions("train", 6)
    examples = encode_examples(lab.target, [(one, texts[one.id]) for one in questions], "gpt4")
    own = frame[frame["strategy"] == "gpt4"]
    assert own["prompt_tokens"].tolist() == [len(one.prompt) for one in examples]
    assert own["response_tokens"].tolist() == [len(one.response) for one in examples]
    assert own["correct"].notna().all()
    assert said["context"] == lab.target.load().config.max_position_embeddings
    shown = said["example"]
    assert shown["question"] == questions[0].prompt
    assert shown["responses"]["gpt4"] == texts[questions[0].id]
    assert questions[0].prompt in shown["prompt"]


def test_what_the_training_would_cut_is_warned_of_before_anybody_trains(run_py):
    assert run_py("stage=[generate]", *TWO, *QUICK).code == 0
    ranked = run_py("stage=[predict,score,rank]", *TWO, *QUICK, "training.max_tokens=60", "training.overlong=cut")
    assert ranked.code == 0, ranked.out
    said = " ".join(ranked.out.split())
    assert "Longer than training.max_tokens=60, so their ends are cut off (training.overlong=cut): gpt4 " in said
    assert "The scored responses as training examples" in ranked.out
    done = run_py("stage=[rank,report]", *TWO, *QUICK, "training.max_tokens=60", "name=warned")
    assert "so the training refuses them (training.overlong=refuse): gpt4 " in " ".join(done.out.split())
    table = pd.read_csv(done.reports / "warned" / "training_examples.csv").set_index("strategy")
    assert table.loc["gpt4", "beyond_max_tokens"] > 0
    page = (done.reports / "warned" / "index.html").read_text()
    assert "Longer than training.max_tokens=60" in page
    assert "The prompt as the model sees it when a response is scored" in page
    assert "Response of claude" in page
