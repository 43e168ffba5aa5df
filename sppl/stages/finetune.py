"""finetune: a fresh copy of the target is trained on the responses of one strategy."""

from collections.abc import Mapping
from pathlib import Path

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.bounds import Count, NumberOfQuestions
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.strategies.recipe import Recipe
from sppl.study.adapters import Adapter
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.plan import Plan, plan_of, plan_waiting
from sppl.study.study import Fit, Study, make_missing
from sppl.training.training_settings import Training


def finetune(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    training: Training,
    trainer: Hardware,
    n_train: NumberOfQuestions,
    seed: int,
    store: Store,
    n_train_tokens: Count | None = None,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Makes the `adapters` of every strategy: a PEFT folder, or a model folder where all weights are trained.

    Raises:
        MissingArtifact: paid responses are missing; the message is the command that makes them.
        UserError: an example is longer than the target or `max_tokens` allows, or the loss is not finite.
    """
    study, fit = Study(store, benchmark, target_model, hardware=trainer), Fit(training, n_train, seed, n_train_tokens)
    plan = Plan((), ())
    for name, recipe in strategy.items():
        adapter = Adapter(study, name, recipe, fit, loggers)
        if dry and not adapter.ready:
            plan += plan_waiting("adapters", *study.words, name, f"seed{seed}", of=adapter.awaited)
            continue
        plan += plan_of([adapter])
        if not dry:
            make_missing(store, adapter)
            what = "adapter" if training.lora else "model"
            plan = plan.telling(f"{name}, seed {seed}: the {what} is in {store.path(adapter.id)}")
    return plan if dry else plan.telling(_loading(target_model, adapters=bool(training.lora)))


def _loading(target: TargetModel, *, adapters: bool) -> str:
    """How Python loads what was trained; FOLDER stands for the place."""
    if not adapters:
        return "to load one: transformers.AutoModelForCausalLM.from_pretrained(FOLDER)"
    if target.is_gguf or (Path(target.path) / "adapter_config.json").is_file():
        return "to load one: as a target, merged: target_model.path=FOLDER"
    base = f"transformers.AutoModelForCausalLM.from_pretrained({target.path!r})"
    return f"to load one: peft.PeftModel.from_pretrained({base}, FOLDER)"
