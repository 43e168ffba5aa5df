"""The target after training on one strategy's responses: an adapter, or a whole model."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sppl.artifacts.once import once
from sppl.artifacts.provenance import canonical, fingerprint
from sppl.artifacts.store import ArtifactId, MissingArtifact
from sppl.benchmarks.splits import take
from sppl.commands import command
from sppl.schemas import Question, UserError, question_wording
from sppl.strategies.recipe import Recipe
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.responses import Responses
from sppl.study.study import Fit, Study
from sppl.training.training_examples import encode_examples, first_tokens


@dataclass(frozen=True)
class Adapter:
    """The target trained on one strategy's responses: a PEFT folder, or a model's where all weights are trained.

    Args:
        study: has the target that is trained.
        strategy: what the strategy is called.
        recipe: of its responses.
        fit: how the target is trained.
        loggers: log the training.
    """

    study: Study
    strategy: str
    recipe: Recipe
    fit: Fit
    loggers: Loggers = no_loggers

    @property
    def ready(self) -> bool:
        """Whether all responses it is trained on or selected by are in the store; before that it has no name."""
        return all(part.exists for part in (self._train, self._held_out))

    @property
    def awaited(self) -> dict[str, Any]:
        """What tells this adapter from others as long as it has no name."""
        return {
            "target": self.study.target.identity,
            "responses": [self._train.awaited, self._held_out.awaited],
            "training": self.fit.training,
            "tokens": self.fit.n_tokens,
            "seed": self.fit.seed,
        }

    @once
    def examples(self) -> list[tuple[Question, str]]:
        """Returns the questions and responses it is trained on; responses that cost nothing are made first.

        Raises:
            UserError: all responses together have fewer tokens than were asked for.
        """
        pairs, most = self._train.pairs(), self.fit.n_tokens
        return pairs if most is None else first_tokens(self.study.target, pairs, self.strategy, most)

    @once
    def held_out(self) -> list[tuple[Question, str]]:
        """Returns the examples that select the best weights; none where the final weights are kept."""
        return self._held_out.pairs()

    @once
    def id(self) -> ArtifactId:
        settings = {
            "target": self.study.target.identity,
            "examples": _digest(self.examples),
            "training": canonical(self.fit.training),
            "seed": self.fit.seed,
        }
        if self.held_out:
            settings["validation"] = _digest(self.held_out)
        words = (*self.study.words, self.strategy, f"seed{self.fit.seed}")
        return self.study.store.artifact_id("adapters", *words, settings=settings)

    @property
    def exists(self) -> bool:
        return self.study.store.exists(self.id)

    @property
    def facts(self) -> dict[str, Any]:
        """The settings of its training, for tables."""
        return {"setup": setup_of(self.fit, len(self.examples)), "seed": self.fit.seed, "trained_on": self._sizes}

    @once
    def _sizes(self) -> dict[str, int]:
        """How many responses it is trained on, and how many of their tokens are learnt."""
        learnt = sum(len(one.learnt) for one in encode_examples(self.study.target, self.examples, self.strategy))
        return {"responses": len(self.examples), "tokens": learnt}

    def inputs(self) -> dict[str, str]:
        return self._train.sources() | self._held_out.sources() | self.study.target_source

    def make(self) -> None:
        """Trains, resuming from its own checkpoints where a killed run left some, and saves the model.

        Raises:
            UserError: an example is longer than the target or `max_tokens` allows, or the loss is not finite.
        """
        import pytorch_lightning as pl

        from sppl.data.tokens import refuse_unknown
        from sppl.hardware.device import DeviceFacts, place
        from sppl.hardware.progress import Progress, quiet
        from sppl.models.loading import embedding_rows
        from sppl.models.target import set_aside
        from sppl.scoring.model_checks import check_model
        from sppl.training.fit import fit
        from sppl.training.lora import add_lora

        start, study, training = time.perf_counter(), self.study, self.fit.training
        target, hardware = study.target, study.hardware
        train, validation = (encode_examples(target, pairs, self.strategy) for pairs in (self.examples, self.held_out))
        parts = study.store.parts(self.id)
        pl.seed_everything(self.fit.seed, verbose=False)
        set_aside()
        model: Any = add_lora(target.load(), training.lora) if training.lora else target.load()
        self._refuse_by_accident(model)
        items = [(one.id, one.prompt + one.response) for one in (*train, *validation)]
        refuse_unknown(target.tokenizer(), items, embedding_rows(model), "examples")
        check_model(model)
        if hardware.single:  # several take their copies from the CPU
            place(model, hardware.device)
        facts = DeviceFacts(model, hardware.device)
        quiet()
        fit(
            model,
            train,
            training=training,
            trainer=hardware,
            seed=self.fit.seed,
            folder=parts / "checkpoints",
            loggers=self.loggers(self.strategy),
            validation=validation,
            callbacks=[Progress(f"finetune {self.strategy}")],
            name="finetune",
        )
        made = parts / "made"
        shutil.rmtree(made, ignore_errors=True)
        model.save_pretrained(str(made))
        target.tokenizer().save_pretrained(made)
        (made / "README.md").unlink(missing_ok=True)  # PEFT's model card names local paths
        seconds = time.perf_counter() - start
        study.store.write_folder(self.id, made, self.inputs(), seconds, **self.facts, **facts.notes())
        study.store.clear_parts(self.id)

    def missing(self) -> MissingArtifact:
        """Returns the error whose message is the command that trains it."""
        benchmark, target = self.study.words
        return MissingArtifact(
            f"{target} has not been trained on {self.strategy} for {benchmark} with seed {self.fit.seed}; "
            "train it: "
            + command(self.study.store.job, "stage=[finetune]", f"n_train={self.fit.n_train}", f"seed={self.fit.seed}")
        )

    @once
    def _train(self) -> Responses:
        return self._responses(take(self.study.benchmark, "train", self.fit.n_train))

    @once
    def _held_out(self) -> Responses:
        training = self.fit.training
        selected = training.select == "best"
        return self._responses(take(self.study.benchmark, "validation", training.n_validation) if selected else [])

    def _responses(self, questions: Sequence[Question]) -> Responses:
        return Responses(self.study.store, self.study.benchmark, self.recipe, questions)

    def _refuse_by_accident(self, model: Any) -> None:
        """Refuses to train all weights of a large model, which a forgotten setting should never cause."""
        count, training = sum(weight.numel() for weight in model.parameters()), self.fit.training
        if training.lora is None and training.most_weights is not None and count > training.most_weights:
            raise UserError(
                f"{self.study.target.name} has {count:,} weights, and training=full would train all of them; take "
                "adapters: training=lora. If all are meant: training.most_weights=null"
            )


def setup_of(fit: Fit, n_train: int) -> dict[str, Any]:
    """Returns the training settings without the seed, flat, for tables that compare them."""
    flat: dict[str, Any] = {"n_train": n_train} if fit.n_tokens is None else {"n_train_tokens": fit.n_tokens}
    for key, value in asdict(fit.training).items():
        flat |= (
            {f"{key}.{part}": inner for part, inner in value.items()} if isinstance(value, Mapping) else {key: value}
        )
    return flat


def _digest(pairs: Sequence[tuple[Question, str]]) -> str:
    return fingerprint([[question.id, question_wording(question), text] for question, text in pairs])
