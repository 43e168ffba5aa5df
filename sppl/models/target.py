"""The target model: where it is, how it is loaded, and one frozen copy per process."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sppl.models.gguf import load_gguf, load_gguf_tokenizer
from sppl.packaged import lab_checkpoint
from sppl.prompts import Template
from sppl.provenance import canonical, content_digest
from sppl.schemas import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TargetModel:
    """The model that is to be fine-tuned.

    Args:
        name: the word tables and leaves use.
        path: a local folder in the Hugging Face layout, a GGUF file, or a hub id; `lab` is the model of the package.
        revision: commit or tag of a hub id.
        dtype: of the weights, e.g. `float32`, `bfloat16`.
        attention: the implementation transformers should use.
        template: `chat` for the tokenizer's own template, `paper` for the plain-text frame of arXiv 2502.11779's code.
        system: system sentence of the paper's frame; unused by `chat`.
        trust_remote_code: run the Python files that come with the model; only for a source you would run anything of.
    """

    name: str
    path: str
    revision: str | None = None
    dtype: str = "float32"
    attention: str = "sdpa"
    template: Literal["chat", "paper"] = "chat"
    system: str = ""
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        if self.path == "lab":
            object.__setattr__(self, "path", str(lab_checkpoint()))

    @property
    def is_gguf(self) -> bool:
        """Whether it is a single GGUF file, whose weights are dequantised when they are read."""
        return self.path.endswith(".gguf") and Path(self.path).is_file()

    @property
    def wrapping(self) -> Template:
        """How a user turn becomes a prompt of this model."""
        return Template(self.template, self.system)

    @property
    def identity(self) -> dict[str, Any]:
        """What its numbers depend on: a local folder or file counts by its content, a hub id by its revision."""
        place = Path(self.path)
        here = place.is_dir() or self.is_gguf
        source = _digest(str(place.resolve())) if here else {"hub": self.path, "revision": self.revision}
        own_code = {"own_code": True} if self.trust_remote_code else {}
        return {"source": source, "dtype": self.dtype, "template": canonical(self.wrapping), **own_code}

    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """The target's tokenizer, with a padding token.

        Raises:
            UserError: it cannot be loaded, or `template=chat` and it has no chat template.
        """
        from transformers import AutoTokenizer

        if self.is_gguf:
            tokenizer = load_gguf_tokenizer(Path(self.path))
        else:
            with _loading(self.path):
                tokenizer = AutoTokenizer.from_pretrained(
                    self.path, revision=self.revision, trust_remote_code=self.trust_remote_code
                )
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        if self.template == "chat" and not tokenizer.chat_template:
            raise UserError(
                f"the tokenizer of {self.path} has no chat template; use an instruction-tuned model, or the plain "
                "frame: target_model.template=paper"
            )
        return tokenizer

    def load(self) -> "PreTrainedModel":
        """A fresh copy of the model in eval mode, on the CPU.

        Raises:
            UserError: the folder or hub id cannot be read.
        """
        from transformers import AutoModelForCausalLM
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        if self.is_gguf:
            model = load_gguf(Path(self.path), self.dtype)
            model.set_attn_implementation(self.attention)
            return model
        with _loading(self.path):
            model = AutoModelForCausalLM.from_pretrained(
                self.path,
                revision=self.revision,
                dtype=self.dtype,
                attn_implementation=self.attention,
                use_safetensors=True,
                trust_remote_code=self.trust_remote_code,
            )
        return model.eval()


class FrozenCopy:
    """The one copy of a target in this process, which adapters are put on and taken off; its weights never change."""

    def __init__(self, target: TargetModel) -> None:
        self._model: Any = target.load().requires_grad_(False)
        self._wrapped: Any = None
        self._folder: Path | None = None

    def bare(self) -> "PreTrainedModel":
        """The target as it is."""
        if self._wrapped is not None:
            self._wrapped.unload()  # gives back the layers the adapter stands in for
        self._wrapped = self._folder = None
        return self._model

    def wearing(self, folder: Path) -> Any:
        """The target with the adapter of a PEFT folder, not merged; what was returned before must no longer be used.

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
    """One copy per process for reading only (predict, score, benchmark); fine-tuning loads its own."""
    if target not in KEPT:
        KEPT.clear()
        KEPT[target] = FrozenCopy(target)
    return KEPT[target]


def set_aside() -> None:
    """Moves the frozen copy, if there is one, to the CPU: what is trained is to have the GPU for itself."""
    for copy in KEPT.values():
        copy.bare().cpu()


def frozen(target: TargetModel) -> "PreTrainedModel":
    """The untrained target, for reading only; no adapter is on it any more."""
    return frozen_copy(target).bare()


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Without the warning that PEFT asks transformers 5 by an old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


@lru_cache(maxsize=8)
def _digest(path: str) -> str:
    return content_digest(Path(path))


class _loading:  # noqa: N801 - reads as a statement: `with _loading(path):`
    """Turns the many ways in which loading fails into one sentence."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from safetensors import SafetensorError

        if isinstance(error, OSError | ValueError | KeyError | SafetensorError):
            where = (
                "the folder" if Path(self.path).exists() else "neither a folder here nor a hub id that can be reached:"
            )
            reason = " ".join(str(error).split())[:300]
            if "trust_remote_code" in str(error):
                raise UserError(
                    f"the target model at {self.path!r} comes with Python code of its own, which is not run unasked; "
                    "read it, and if you trust it: target_model.trust_remote_code=true"
                ) from error
            raise UserError(
                f"the target model cannot be loaded from {self.path!r} ({where} {self.path}: {reason}). "
                "Give a folder with config.json, tokenizer and safetensors weights: target_model.path=FOLDER"
            ) from error
