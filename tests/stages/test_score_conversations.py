"""A conversation from the file to its scores: every turn of the assistant after all that was said before it."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from sppl.data.tokens import rendering_of
from sppl.models.target import TargetModel, frozen_target
from sppl.schemas import UserError
from sppl.stages.report import report
from sppl.study.plan import ranking_of

pytestmark = pytest.mark.filterwarnings("default")
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Ann has 15 plums. Ann sells 8. How many plums does Ann have now?"},
    {"role": "assistant", "content": "At first Ann has 15 plums. After selling 8, 15 - 8 = 7 plums."},
    {"role": "user", "content": "Ann finds 2."},
    {"role": "assistant", "content": "After finding 2, 7 + 2 = 9 plums.\n#### 9"},
]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name, said in (("x", "#### 9"), ("y", "That makes 9.\n#### 9")):
        last = {"role": "assistant", "content": said}
        rows = [{"id": "a", "messages": TURNS, "gold_label": "9"}]
        rows += [{"id": f"b{n}", "messages": [*TURNS[:4], last], "gold_label": "9"} for n in range(5)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [
        "benchmark=local",
        "benchmark.answer=number",
        "benchmark.questions.turns=all",
        "n_predict=all",
        "n_score=all",
        f"data_dir={folder}",
    ]


def test_scores_of_a_conversation_are_one_by_one_the_models_own_and_say_the_turn(stage, store, data):
    plan = stage("score", store, *data, "strategy=files", "metric=[perplexity]")
    (artifact,) = [name for name in plan.to_make if "/x/" in name]
    frame = store.read(store.open(artifact)).query("example_id == 'a'")
    target = TargetModel("lab", "lab")
    rendering, model = rendering_of(target.tokenizer()), frozen_target(target)
    whole = torch.tensor([rendering.ids(rendering.whole_text(TURNS))])
    with torch.inference_mode():
        logprobs = model(input_ids=whole).logits[0, :-1].log_softmax(-1)
    own = logprobs.gather(1, whole[0, 1:, None])[:, 0].numpy()
    expected = []
    for place in (2, 4):
        start = len(rendering.prompt(TURNS[:place]))
        expected.append(own[start - 1 : start - 1 + len(rendering.ids(TURNS[place]["content"]))])
    assert frame["turn"].tolist() == [0] * len(expected[0]) + [1] * len(expected[1])
    np.testing.assert_allclose(frame["logprob"], np.concatenate(expected), atol=1e-5)


def test_what_reads_one_question_and_one_answer_refuses_conversations(stage, store, data):
    with pytest.raises(UserError, match="step by step or without its question"):
        stage("score", store, *data, "strategy=files", "metric=[ifd]")
    with pytest.raises(UserError, match="hidden states and gradients read one question and one answer"):
        stage("score", store, *data, "strategy=files", "metric=[grace]")


def test_a_target_whose_template_leaves_out_calls_is_refused_by_example(stage, store, data, tmp_path):
    call = {"role": "assistant", "content": "hm", "tool_calls": [{"function": {"name": "calculator", "arguments": {}}}]}
    turns = [*TURNS[:2], call, {"role": "tool", "content": "7"}, TURNS[4]]
    place = shutil.copytree(tmp_path / "data", tmp_path / "tools")
    for file in place.iterdir():
        file.write_text(json.dumps({"id": "c", "messages": turns, "gold_label": "9"}))
    data[-1] = f"data_dir={place}"
    with pytest.raises(
        UserError, match=r"2 of 2 responses cannot be used \(c of x, c of y\): .*leaves out turn 3 of 5"
    ):
        stage("score", store, *data, "strategy=files", "metric=[perplexity]")


def test_a_report_tells_tokens_and_log_probabilities_turn_by_turn(stage, store, data, tmp_path):
    words = (*data, "strategy=files", "metric=[perplexity]")
    plan = stage("score", store, *words)
    ranked = stage("rank", store, *words)
    report(
        name="turns", folder=str(tmp_path / "out"), metric={}, conventions="default", rankings=[ranking_of(ranked)],
        results=[], store=store,
    )  # fmt: skip
    found = pd.read_csv(tmp_path / "out-local" / "turns.csv").set_index(["strategy", "turn"])
    frame = store.read(store.open(next(name for name in plan.to_make if "/x/" in name)))
    assert found.loc["x", "responses"].tolist() == [6, 6]
    for turn in (1, 2):
        own = frame[frame["turn"] == turn - 1]
        assert found.loc[("x", turn), "tokens"] == pytest.approx(len(own) / 6)
        assert found.loc[("x", turn), "nats per token"] == pytest.approx(-own["logprob"].mean())
