"""The target model: its settings, loading it, and one frozen copy of it per process."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from sppl.artifacts.provenance import canonical
from sppl.models.adapter import base_of, has_tokenizer, merge_adapter
from sppl.models.gguf import load_gguf, load_gguf_tokenizer
from sppl.models.hub_commit import COMMIT, resolve_commit
from sppl.models.loading import check_weights, dtype_name, explain_reading_errors, refuse_config
from sppl.models.local_files import forget_changed, name_files, refuse_changed
from sppl.packaged import lab_checkpoint
from sppl.prompts import Template
from sppl.schemas import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TemplateKind = Literal["chat", "paper"]
Decoding = Literal["greedy", "model"]


@dataclass(frozen=True)
class TargetModel:
    """The model that is to be fine-tuned.

    Args:
        name: the word tables and artifacts use.
        path: a local folder in the Hugging Face layout, of a model or of an adapter, a GGUF file, or a hub id; `lab` is
            the model of the package.
        revision: commit or tag of a hub id.
        dtype: of the weights, e.g. `float32`, `bfloat16`.
        attention: the implementation transformers should use.
        template: what responses are scored in: `chat` for the tokenizer's own template, `paper` for the plain-text
            frame of arXiv 2502.11779's code.
        template_options: what the chat template is told beside the turns, e.g. `{enable_thinking: false}`.
        date: the day chat templates are told it is, so that a prompt is the same every day.
        system: system sentence of the paper's frame; refused with `chat`.
        generation: how answers that are not sampled are chosen: `greedy`, or as the `model`'s own generation settings
            say, all but the length.
        trust_remote_code: run the Python files that come with the model; only for a source you would run anything of.

    Raises:
        UserError: a value is none of those there are.
    """

    name: str
    path: str
    revision: str | None = None
    dtype: str = "float32"
    attention: str = "sdpa"
    template: TemplateKind = "chat"
    template_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    date: str = Template.date
    system: str = ""
    generation: Decoding = "greedy"
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        if self.path == "lab":
            object.__setattr__(self, "path", str(lab_checkpoint()))
        object.__setattr__(self, "dtype", dtype_name(self.dtype, "target_model.dtype"))
        object.__setattr__(self, "template_options", dict(self.template_options or {}))
        object.__setattr__(self, "date", str(self.date))
        for name, kind in (("template", TemplateKind), ("generation", Decoding)):
            if getattr(self, name) not in get_args(kind):
                raise UserError(f"target_model.{name}={getattr(self, name)}: there are {', '.join(get_args(kind))}")
        if self.system and self.template == "chat":
            raise UserError(
                f"target_model.system={self.system!r}: the sentence of the plain frame, which template=chat does not "
                "write; take the frame (target_model.template=paper), or put the sentence before your questions "
                "(own data: benchmark.questions.system=prepend)"
            )
        try:
            date.fromisoformat(self.date)
        except ValueError as error:
            raise UserError(f"target_model.date={self.date}: a day is written like {Template.date}") from error

    @property
    def is_gguf(self) -> bool:
        """Whether it is a single GGUF file, whose weights are dequantised when they are read."""
        return self.path.endswith(".gguf") and Path(self.path).is_file()

    @property
    def wrapping(self) -> Template:
        """The template of conversations in scoring."""
        return Template(self.template, self.system, self.template_options, self.date)

    @property
    def asking(self) -> Template:
        """The template of conversations in training and in use: the chat template, if there is one.

        Raises:
            UserError: there is none, and it was given options.
        """
        if self.template == "chat" or self.tokenizer().chat_template:
            return Template("chat", "", self.template_options, self.date)
        if self.template_options:
            raise UserError(
                f"target_model.template_options are for a chat template, and {self.path} has none; leave them out"
            )
        return self.wrapping

    @property
    def identity(self) -> dict[str, Any]:
        """What its numbers depend on: the content of a local folder or file, or the commit of a hub id."""
        more: dict[str, Any] = {"generation": self.generation} if self.generation != "greedy" else {}
        more |= {"own_code": True} if self.trust_remote_code else {}
        if self.attention != "sdpa":  # in 16 bits another implementation gives other numbers
            more["attention"] = self.attention
        source = _source(self.path, self.revision)
        if base := self._known_base:
            source = {"adapter": source, "base": _source(*base)}
        return {"source": source, "dtype": self.dtype, "template": canonical(self.wrapping), **more}

    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """Returns the target's tokenizer, always the same object; its end token also pads where no other does.

        Raises:
            UserError: it cannot be loaded.
        """
        return _tokenizer(self)

    def load(self) -> "PreTrainedModel":
        """Returns a fresh copy of the model in eval mode, on the CPU, an adapter's weights merged in.

        Raises:
            UserError: it cannot be read, is quantised or none that can be a target, its weights are no numbers, or its
                files are no longer those that artifacts of this process are named after.
        """
        model = self._read()
        for path in (self.path, *((self.base or ())[:1])):
            refuse_changed(Path(path))
        return model

    def _read(self) -> "PreTrainedModel":
        from transformers import AutoConfig, AutoModelForCausalLM
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        if self.is_gguf:
            model = load_gguf(Path(self.path), self.dtype)
            model.set_attn_implementation(self.attention)
            check_weights(model, {}, self.path)
            return model
        base = self.base
        path, revision = base or (self.path, self.revision)
        revision = _commit(path, revision)
        with explain_reading_errors(path):
            config = AutoConfig.from_pretrained(path, revision=revision, trust_remote_code=self.trust_remote_code)
            refuse_config(config, path)
            read: Any = AutoModelForCausalLM.from_pretrained(
                path,
                revision=revision,
                dtype=self.dtype,
                attn_implementation=self.attention,
                use_safetensors=True,
                trust_remote_code=self.trust_remote_code,
                output_loading_info=True,
            )
            model, found = read
            check_weights(model, found, path)
        if base:
            with explain_reading_errors(self.path):
                model = merge_adapter(model, self.path, _commit(self.path, self.revision))
                check_weights(model, {}, self.path)
        return model.eval()

    @property
    def base(self) -> tuple[str, str | None] | None:
        """Path and revision of the model an adapter was trained from; None for other targets."""
        return None if self.is_gguf else _base(self.path, _commit(self.path, self.revision))

    @property
    def _known_base(self) -> tuple[str, str | None] | None:
        """The base as far as it can be known before the model is fetched."""
        if Path(self.path).exists():
            return self.base
        try:
            return self.base if COMMIT.fullmatch(_commit(self.path, self.revision) or "") else None
        except UserError:  # whoever loads it is told so
            return None


class FrozenCopy:
    """The one copy of a target in this process, which adapters are put on and taken off; its weights never change."""

    def __init__(self, target: TargetModel) -> None:
        self._model: Any = target.load().requires_grad_(False)
        self._wrapped: Any = None
        self._folder: Path | None = None

    def bare(self) -> "PreTrainedModel":
        """Returns the target without an adapter."""
        if self._wrapped is not None:
            self._wrapped.unload()  # gives back the layers the adapter stands in for
        self._wrapped = self._folder = None
        return self._model

    def wearing(self, folder: Path) -> Any:
        """Returns the target with a PEFT folder's adapter, not merged; models returned before become invalid.

        Raises:
            UserError: the folder has no adapter in safetensors.
        """
        from peft import PeftModel

        if folder != self._folder:
            bare = self.bare()
            if not (folder / "adapter_model.safetensors").is_file():  # PEFT would go on and look for a pickle
                raise UserError(f"{folder} has no adapter_model.safetensors; remove it and run the same command again")
            with quiet_peft():
                self._wrapped = PeftModel.from_pretrained(bare, folder).eval()
            self._folder = folder
        return self._wrapped


KEPT: dict[TargetModel, FrozenCopy] = {}
"""The frozen copy of this process, at most one."""


def frozen_copy(target: TargetModel) -> FrozenCopy:
    """Returns this process's one copy for reading (predict, score, benchmark); fine-tuning loads its own."""
    if target not in KEPT:
        KEPT.clear()
        KEPT[target] = FrozenCopy(target)
    return KEPT[target]


def forget_changed_targets() -> None:
    """Forgets what this process keeps of local models if the files of one have changed since."""
    if forget_changed():
        KEPT.clear()
        _tokenizer.cache_clear()
        _base.cache_clear()


def set_aside() -> None:
    """Moves the frozen copy, if there is one, to the CPU: what is trained is to have the GPU for itself."""
    for copy in KEPT.values():
        copy.bare().cpu()


def frozen_target(target: TargetModel) -> "PreTrainedModel":
    """Returns the untrained target, for reading only; any adapter is taken off."""
    return frozen_copy(target).bare()


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Within this block PEFT does not warn of a name that is outdated in transformers 5."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


@lru_cache(maxsize=4)
def _tokenizer(target: TargetModel) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    if target.is_gguf:
        tokenizer = load_gguf_tokenizer(Path(target.path))
    else:
        path, revision = target.path, _commit(target.path, target.revision)
        with explain_reading_errors(path):
            base = _base(path, revision)
            if base and not has_tokenizer(path, revision):
                path, revision = base[0], _commit(*base)
            tokenizer = AutoTokenizer.from_pretrained(
                path, revision=revision, trust_remote_code=target.trust_remote_code
            )
    refuse_changed(Path(target.path))
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is not None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


@lru_cache(maxsize=8)
def _base(path: str, revision: str | None) -> tuple[str, str | None] | None:
    with explain_reading_errors(path):
        return base_of(path, revision)


def _source(path: str, revision: str | None) -> Any:
    """A digest of a folder or file, or what names a model on the hub."""
    if Path(path).exists():
        return name_files(Path(path))
    return {"hub": path, "commit": _commit(path, revision)}


def _commit(path: str, revision: str | None) -> str | None:
    """The commit of a hub id; None for local models."""
    return None if Path(path).exists() else resolve_commit(path, revision)
