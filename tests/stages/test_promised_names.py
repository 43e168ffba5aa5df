"""Promise 3, as a property: equal names of leaves mean equal settings and inputs, whatever they are."""

import json
from dataclasses import fields, is_dataclass, replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.generation.local import LocalGenerator
from sppl.hardware.hardware import Hardware
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.metrics.needs import TokenStats
from sppl.models.target import TargetModel
from sppl.prompts import Alone, GivenQuestion, SelfAligned, SelfAlignedPrompt
from sppl.schemas import Question, UserError
from sppl.scoring.pool import Pool
from sppl.scoring.scoring_settings import Scoring
from sppl.strategies.recipe import Recipe
from sppl.study.adapters import Adapter
from sppl.study.predictions import Predictions
from sppl.study.study import Fit, Study
from sppl.tables.sample import Sample, TableOf
from sppl.training.lora import Lora
from sppl.training.training_settings import Training
from tests.conftest import ROOT

LAB = Benchmark(
    "lab", LabQuestions(), LabTeacher(), task="lab", max_new_tokens=200, final_line="Final Answer: {answer}"
)
HUB = TargetModel("m", "org/model", revision="main")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SETTINGS = st.dictionaries(st.text(), JSON, max_size=3)
TARGETS = st.builds(
    TargetModel,
    name=st.just("m"),
    path=st.sampled_from(["org/one", "org/two"]),
    revision=st.sampled_from([None, "a", "b"]),
    dtype=st.sampled_from(["float32", "bfloat16"]),
    template=st.sampled_from(["chat", "paper"]),
    trust_remote_code=st.booleans(),
)
TRAININGS = st.builds(
    Training,
    epochs=st.integers(1, 2),
    batch_size=st.integers(1, 2),
    accumulate=st.integers(1, 2),
    learning_rate=st.sampled_from([1e-3, 2e-3]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    schedule=st.sampled_from(["cosine", "linear"]),
    warmup=st.sampled_from([0.0, 0.1]),
    clip=st.sampled_from([0.0, 1.0]),
    precision=st.sampled_from(["32-true", "bf16-mixed"]),
    max_tokens=st.sampled_from([None, 2048]),
    overlong=st.sampled_from(["refuse", "cut"]),
    batching=st.sampled_from(["padded", "packed"]),
    lora=st.sampled_from([None, Lora(), Lora(rank=4), Lora(dropout=0.1), Lora(targets=("q_proj",))]),
    select=st.sampled_from(["final", "best"]),
)
EXAMPLES = st.lists(
    st.tuples(
        st.builds(Question, id=st.sampled_from("ab"), prompt=st.text(max_size=3), answer=st.just("1")), st.text()
    ),
    max_size=2,
)
PROMPTS = st.builds(
    SelfAlignedPrompt,
    text=st.sampled_from(["{question} {examples}", "{question}\n{examples}"]),
    example=st.sampled_from(["{answer}", "- {answer}"]),
    rotation=st.sampled_from(["skip_own", "paper"]),
    fallback=st.sampled_from(["perplexity", "unfiltered"]),
    final_line=st.booleans(),
)
CONTEXTS = st.sampled_from([Alone(), GivenQuestion(), SelfAligned(1), SelfAligned(2)])


def pairs(*parts: st.SearchStrategy) -> st.SearchStrategy:
    """Two sets of settings that differ in one value, or in none."""
    whole, places = st.tuples(*parts), st.integers(0, 99)
    return st.tuples(whole, whole, places, places).map(lambda drawn: (drawn[0], _with_one_of(*drawn)))


def _with_one_of(one: tuple, other: tuple, place: int, within: int) -> tuple:
    at = place % len(one)
    part = other[at]
    if is_dataclass(part) and not isinstance(part, type) and type(part) is type(one[at]):
        names = [field.name for field in fields(part)]
        name = names[within % len(names)] if names else ""
        part = replace(one[at], **({name: getattr(part, name)} if name else {}))
    return (*one[:at], part, *one[at + 1 :])


@given(SETTINGS, SETTINGS)
def test_artifacts_of_one_name_have_the_same_settings(one, other):
    store = Store("nowhere")
    names = [store.artifact_id("predictions", "lab", settings=given).name for given in (one, other)]
    texts = [json.dumps(given, sort_keys=True) for given in (one, other)]
    assert (names[0] == names[1]) == (texts[0] == texts[1])


@settings(deadline=None)
@given(SETTINGS, SETTINGS)
def test_an_artifact_whose_provenance_tells_other_settings_is_not_opened(tmp_path_factory, one, other):
    root = tmp_path_factory.mktemp("store")
    store = Store(str(root))
    artifact = store.artifact_id("predictions", "lab", "tiny", settings=one)
    frame = pd.DataFrame({"question_id": ["q"], "prediction": ["1"]})
    store.write(artifact, frame, {}, 0.0)
    sidecar = root / f"{artifact.name}.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"settings": other}))
    if json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True):
        assert store.open(artifact.name) == artifact
    else:
        with pytest.raises(UserError, match="tells other settings than its name"):
            store.open(artifact.name)


@settings(deadline=None, max_examples=300)
@given(pairs(TARGETS, TRAININGS, st.integers(0, 1), EXAMPLES, EXAMPLES))
def test_adapters_of_one_name_were_trained_alike(two):
    one, other = two

    def shaped(target, training, seed, examples, validation):
        adapter = Adapter(Study(Store("nowhere"), LAB, target), "gpt4", Recipe("gpt4", ""), Fit(training, "all", seed))
        vars(adapter).update(examples=examples, held_out=validation)  # as if they had been read
        return adapter.id.name, repr((target, training, seed, examples, validation))

    (first, how), (second, differently) = shaped(*one), shaped(*other)
    assert (first == second) == (how == differently)


@pytest.fixture(scope="module")
def own_pools() -> list[Pool]:
    """Two different pools of own answers."""
    return [Pool(("q",), (str(number),), "") for number in (1, 2)]


@settings(deadline=None, max_examples=300)
@given(pairs(TARGETS, CONTEXTS, PROMPTS, st.booleans(), EXAMPLES, st.integers(0, 1), st.integers(0, 1)))
def test_token_statistics_of_one_name_are_of_the_same_tokens(own_pools, two):
    (one, other), made = two, own_pools

    def shaped(target, context, prompt, end, examples, pool, start):
        sample = Sample(
            Store("nowhere"), "lab", target, {"gpt4": examples}, made[pool], prompt, Scoring(end=end), Hardware(),
            start=start,
        )  # fmt: skip
        table = TableOf(sample, "gpt4", TokenStats(context))
        frame = replace(prompt, final_line=True)  # a closing line is part of the pool's texts
        shown = (frame, pool, start) if isinstance(context, SelfAligned) else ()
        return table.id.name, repr((target, context, end, examples, shown))

    (first, how), (second, differently) = shaped(*one), shaped(*other)
    assert (first == second) == (how == differently)


@pytest.mark.parametrize("changed", ["config.json", "model.safetensors", "tokenizer.json"])
def test_another_byte_of_a_local_target_is_another_target(tmp_path, changed):
    from shutil import copytree

    names = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        copytree(ROOT / "sppl" / "lab" / "checkpoint", folder)
        if number == 2:
            raw = bytearray((folder / changed).read_bytes())
            raw[-1] ^= 1
            (folder / changed).write_bytes(raw)
        study = Study(Store("nowhere"), LAB, TargetModel("m", str(folder)), LocalGenerator())
        names.append(Predictions(study, 12).id.name)
    assert names[0] != names[1]
