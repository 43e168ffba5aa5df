"""What an artifact's name depends on, key by key: a changed setting makes anew what it shapes, and nothing else.

The table below has every key that `--cfg job` shows; one that is missing in it fails the test.
"""

from fnmatch import fnmatch

import pytest
from omegaconf import OmegaConf

from sppl.artifacts.store import Store
from sppl.cli.running import stage_call
from tests.conftest import QUICK, ROOT

pytestmark = pytest.mark.filterwarnings("default")
GIVEN = [*QUICK, "strategy=[gpt4,claude]", "metric=[sppl,perplexity,ifd,entropy]"]
STAGES = ("generate", "predict", "score", "rank", "finetune", "benchmark")
SCORED = {"token_stats", "scores", "rankings", "samples"}
TRAINED = {"adapters", "answers", "results"}
TARGET = {"predictions", "verdicts"} | SCORED | TRAINED
ANSWERED = {"predictions", "verdicts"} | SCORED | {"answers", "results"}
NOTHING = set[str]()

CHANGES: dict[str, tuple[object, set[str]]] = {
    # what the target is and how it is asked: everything that it does, and no response
    "target_model.name": ("other", TARGET),
    "target_model.path": ("COPY", TARGET),
    "target_model.dtype": ("bfloat16", TARGET),
    "target_model.attention": ("eager", TARGET),
    "target_model.template": ("paper", TARGET),
    "target_model.template_options": ({"colour": "red"}, TARGET),
    "target_model.date": ("2024-07-27", TARGET),
    "target_model.generation": ("model", TARGET),
    "target_model.trust_remote_code": (True, TARGET),
    "target_model.revision": ("main", NOTHING),  # of a hub id; this one is a folder
    "target_model.system": ("", NOTHING),  # only the plain frame writes one: the test below
    # the benchmark
    "benchmark.name": ("other", {"responses"} | TARGET),
    "benchmark.task": ("local_number", {"verdicts", "results", "rankings", "samples"}),  # a ranking says by which rule
    "benchmark.max_new_tokens": (150, ANSWERED),
    "benchmark.final_line": ("So: {answer}", SCORED),
    "benchmark.without": (["train-0000"], TARGET),
    "benchmark.overlong": ("skip", ANSWERED),
    "benchmark.sampling.temperature": (0.5, {"predictions", "verdicts"} | SCORED),
    "benchmark.also": ([], NOTHING),
    "benchmark.source": ("lab", NOTHING),
    "benchmark.splits": ("disjoint", NOTHING),
    "benchmark.respond": ("source", NOTHING),
    "benchmark.responders.*": ("else", NOTHING),  # nobody asks a teacher here
    # what metrics read and say
    "metric.sppl.n_examples": (1, SCORED),
    "metric.sppl.layout": ("examples_first", SCORED),
    "metric.ifd.of": ("perplexities", {"scores", "rankings", "samples"}),
    "metric.*.higher_is_better": (True, {"scores", "rankings", "samples"}),
    "prompt.text": ("{question}\n\nSee:\n\n{examples}", SCORED),
    "prompt.example": ("An answer:\n{answer}", SCORED),
    "prompt.examples_first": ("See:\n\n{examples}\n\n{question}", NOTHING),  # no metric puts examples first
    "prompt.rotation": ("plain", SCORED),
    "prompt.fallback": ("unfiltered", SCORED),
    "prompt.final_line": (False, NOTHING),  # this benchmark has none
    "scorer.end": (True, SCORED),
    "scorer.overlong": ("skip", SCORED),
    "scorer.max_tokens": (512, NOTHING),  # how the work is cut up: the same numbers
    "scorer.form": ("padded", NOTHING),
    "scorer.first": (30, NOTHING),  # of a race
    "scorer.then": (5, NOTHING),
    "scorer.error": (0.1, NOTHING),
    # training
    "training.epochs": (2, TRAINED),
    "training.batch_size": (8, TRAINED),
    "training.accumulate": (2, TRAINED),
    "training.learning_rate": (2e-3, TRAINED),
    "training.weight_decay": (0.1, TRAINED),
    "training.betas": ([0.9, 0.95], TRAINED),
    "training.schedule": ("linear", TRAINED),
    "training.warmup": (0.1, TRAINED),
    "training.clip": (0.5, TRAINED),
    "training.precision": ("bf16-mixed", TRAINED),
    "training.max_tokens": (1000, TRAINED),
    "training.overlong": ("cut", TRAINED),
    "training.batching": ("packed", TRAINED),
    "training.activation_checkpointing": (True, TRAINED),
    "training.lora": ({"rank": 4, "alpha": 8}, TRAINED),
    "training.select": ("best", TRAINED),
    "training.n_validation": (50, TRAINED),
    "training.most_weights": (2e9, NOTHING),  # a guard
    "seed": (1, {"adapters", "answers", "results"}),
    # sizes
    "n_predict": (10, {"predictions", "verdicts"} | SCORED),
    "n_score": (5, SCORED),
    "n_train": (20, TRAINED),
    "n_train_tokens": (300, TRAINED),
    "n_test": (6, {"answers", "results"}),
    "n_pilot": (50, NOTHING),
    # where and on what it runs, what is said, what is spent
    "trainer.*": (7, NOTHING),
    "generator.batch_size": (3, NOTHING),
    "teacher.*": ("else", NOTHING),
    "strategy.*.name": ("rewrite", {"responses", "verdicts"} | SCORED | TRAINED),
    "strategy.*": ("else", NOTHING),  # what teachers are asked: none is
    "logger.*": ("else", NOTHING),
    "stage.*": ("else", NOTHING),
    "hydra.*": ("else", NOTHING),
    "verbose": (True, NOTHING),
}
"""Key (the first pattern that fits) -> another value, and the kinds of artifacts whose names change with it."""
ELSEWHERE = (
    "store", "reports", "exports", "models", "paths.*", "name", "data_dir", "conventions", "records", "max_cost",
    "confirm", "policy.*", "n_validation", "dry", "run_dir", "group", "sweep", "job_name", "scorer.budget",
    "benchmark.sources.*", "scorer.server", "beds",
    "benchmark.sampling.top_p", "benchmark.sampling.top_k", "benchmark.sampling.seed",  # refused where greedy
)  # fmt: skip
"""Keys of the command, not of an artifact; a race, a server and other sources are other artifacts, tested with them."""


def keys_of(config: dict, above: str = "") -> list[str]:
    found: list[str] = []
    for name, value in config.items():
        found += keys_of(value, f"{above}{name}.") if isinstance(value, dict) and value else [f"{above}{name}"]
    return [key for key in found if not key.rpartition(".")[2].startswith("_")]


def composed():
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("config", overrides=GIVEN)


def pattern_of(key: str) -> str | None:
    return next((pattern for pattern in CHANGES if fnmatch(key, pattern)), None)


def test_the_table_has_every_key_that_a_job_has():
    keys = keys_of(OmegaConf.to_container(composed(), resolve=False))  # pyright: ignore[reportArgumentType]
    unknown = [key for key in keys if not pattern_of(key) and not any(fnmatch(key, one) for one in ELSEWHERE)]
    assert not unknown
    assert len(keys) > 150


class Names:
    """The names that a job's stages ask a store for, by kind, without making anything."""

    def __init__(self, root, cfg, monkeypatch):
        self.store, self.asked = Store(str(root), read_only=True), set[str]()
        self.cfg = cfg
        artifact = Store.artifact_id

        def noted(store, kind, *words, settings, schema=None):
            made = artifact(store, kind, *words, settings=settings, schema=schema)
            self.asked.add(made.name)
            return made

        def listed(store, kind, *words):
            self.asked.add("/".join((kind, *words)))
            return artifacts(store, kind, *words)

        artifacts = Store.artifacts
        monkeypatch.setattr(Store, "artifact_id", noted)
        monkeypatch.setattr(Store, "artifacts", listed)
        self.known = self.of(cfg)

    def of(self, cfg) -> dict[str, set[str]]:
        self.asked.clear()
        for name in STAGES:
            stage_call(cfg, name)(store=self.store, dry=True)
        by_kind: dict[str, set[str]] = {}
        for name in self.asked:
            by_kind.setdefault(name.partition("/")[0], set()).add(name)
        return by_kind


@pytest.fixture(scope="module")
def names(shared_store):
    cfg, store = composed(), Store(str(shared_store))
    for name in STAGES:
        stage_call(cfg, name)(store=store)
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Names(shared_store, cfg, monkeypatch)


@pytest.mark.parametrize("key", [key for key in CHANGES if "*" not in key])
def test_a_changed_key_changes_the_names_of_what_it_shapes_and_no_other(key, names, tmp_path):
    check(key, *CHANGES[key], names, tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metric.perplexity.higher_is_better", True),
        ("trainer.precision", "32-true"),
        ("trainer.lightning.log_every_n_steps", 7),
        ("teacher.gpt_4o.model", "gpt-5"),
        ("strategy.gpt4.request", "{question}"),
        ("strategy.gpt4.summary", "else"),
        ("benchmark.responders.teacher.sees", "question"),
    ],
)
def test_so_does_one_of_many_alike(key, value, names, tmp_path):
    check(key, value, CHANGES[str(pattern_of(key))][1], names, tmp_path)


def test_the_sentence_of_the_plain_frame_is_part_of_the_target(names, shared_store):
    plain = names.cfg.copy()
    OmegaConf.update(plain, "target_model.template", "paper")
    bare = names.of(plain)
    OmegaConf.update(plain, "target_model.system", "Be brief.")
    assert bare["predictions"].isdisjoint(names.of(plain)["predictions"])


def check(key, value, expected, names, tmp_path):
    changed = names.cfg.copy()
    if value == "COPY":
        from shutil import copytree

        value = str(copytree(ROOT / "sppl" / "lab" / "checkpoint", tmp_path / "copy"))
        (tmp_path / "copy" / "another_file.json").write_text("{}")
    OmegaConf.update(changed, key, value, merge=False, force_add=True)
    after = names.of(changed)
    # What is no longer asked for has another name, or waits for an input that has.
    gone = {kind for kind, asked in names.known.items() if asked - after.get(kind, set())}
    assert gone == expected
