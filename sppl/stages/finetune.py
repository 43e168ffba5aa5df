"""finetune: a fresh copy of the target is trained on the responses of one strategy."""

import shutil
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sppl.artifacts.store import Leaf, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import Question, UserError
from sppl.stages.leaves import Plan, adapter_leaf, setup_of
from sppl.stages.responses import sources_of_training, training_data, training_data_is_there
from sppl.stages.training_examples import encoded
from sppl.strategies.recipe import Recipe
from sppl.training.training_settings import Training

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


def finetune(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    training: Training,
    trainer: Hardware,
    n_train: int | str,
    seed: int,
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes one `adapters` leaf per strategy: a PEFT folder, or a model folder where all weights are trained.

    Raises:
        MissingArtefact: paid responses are missing; the message is the command that makes them.
        UserError: an example is longer than the target or `max_tokens` allows, or the loss is not finite.
    """
    found, to_make = [], []
    for name, recipe in strategy.items():
        if dry and not training_data_is_there(store, benchmark, recipe, training, n_train):
            to_make.append(name)
            continue
        examples, held_out = training_data(store, benchmark, recipe, training, n_train)
        leaf = adapter_leaf(
            store, benchmark, target_model, strategy=name, training=training, seed=seed,
            examples=examples, validation=held_out,
        )  # fmt: skip
        (found if store.exists(leaf) else to_make).append(leaf.name)
        if dry or store.exists(leaf):
            continue
        with store.making(leaf) as missing:
            if missing:
                inputs = sources_of_training(store, benchmark, recipe, training, n_train, target_model)
                _train(store, leaf, target_model, examples, held_out, training, trainer, seed, name, loggers, inputs)
    return Plan(tuple(found), tuple(to_make))


def _train(
    store: Store,
    leaf: Leaf,
    target: TargetModel,
    examples: Sequence[tuple[Question, str]],
    held_out: Sequence[tuple[Question, str]],
    training: Training,
    trainer: Hardware,
    seed: int,
    name: str,
    loggers: Sequence["Logger"],
    inputs: Mapping[str, str],
) -> None:
    """Trains, resuming from the leaf's own checkpoints where a killed run left some, and saves the model."""
    import pytorch_lightning as pl

    from sppl.data.tokens import refuse_unknown
    from sppl.hardware.device import Facts, place
    from sppl.hardware.progress import Progress, quiet
    from sppl.models.loading import embedding_rows
    from sppl.models.target import set_aside
    from sppl.scoring.checks import check_model
    from sppl.training.fit import fit
    from sppl.training.lora import add_lora

    start = time.perf_counter()
    train, validation = (encoded(target, pairs, name) for pairs in (examples, held_out))
    parts = store.parts(leaf)
    pl.seed_everything(seed, verbose=False)
    set_aside()
    model: Any = add_lora(target.load(), training.lora) if training.lora else target.load()
    _refuse_by_accident(target, training, model)
    items = [(one.id, one.prompt + one.response) for one in (*train, *validation)]
    refuse_unknown(target.tokenizer(), items, embedding_rows(model), "examples")
    check_model(model)
    if trainer.devices == 1:  # several take their copies from the CPU
        place(model, trainer.device)
    facts = Facts(model, trainer.device)
    quiet()
    fit(
        model,
        train,
        training=training,
        trainer=trainer,
        seed=seed,
        folder=parts / "checkpoints",
        loggers=loggers,
        validation=validation,
        callbacks=[Progress(f"finetune {name}")],
        name=f"finetune/{name}",
    )
    made = parts / "made"
    shutil.rmtree(made, ignore_errors=True)
    model.save_pretrained(str(made))
    target.tokenizer().save_pretrained(made)
    (made / "README.md").unlink(missing_ok=True)  # PEFT's model card names local paths
    notes = {"setup": setup_of(training, len(examples)), "seed": seed, **facts.notes()}
    store.write_folder(leaf, made, inputs, time.perf_counter() - start, **notes)
    store.clear_parts(leaf)


def _refuse_by_accident(target: TargetModel, training: Training, model: Any) -> None:
    """Refuses to train all weights of a large model, which nobody should do because of a forgotten word."""
    count = sum(weight.numel() for weight in model.parameters())
    if training.lora is None and training.most_weights is not None and count > training.most_weights:
        raise UserError(
            f"{target.name} has {count:,} weights, and training=full would train all of them; take adapters: "
            "training=lora. If all are meant: training.most_weights=null"
        )
