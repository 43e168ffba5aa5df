"""The reward model: a sequence classifier with one output that rates a response to a question."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sppl.models.chat import write_chat
from sppl.models.hub_commit import resolve_commit
from sppl.models.loading import dtype_name, explain_reading_errors
from sppl.models.local_files import name_files, refuse_changed
from sppl.prompts import Template
from sppl.schemas import Message, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class RewardModel:
    """A sequence-classification model with one output, which reads chats in its own chat template.

    Args:
        name: the word tables and artifacts use.
        path: a local folder in the Hugging Face layout, or a hub id.
        revision: commit or tag of a hub id.
        dtype: of the weights.
    """

    name: str
    path: str
    revision: str | None = None
    dtype: str = "bfloat16"

    @property
    def identity(self) -> dict[str, Any]:
        """What the rewards depend on: the content of a local folder, or the commit of a hub id."""
        folder = Path(self.path)
        source = name_files(folder) if folder.is_dir() else {"hub": self.path, "commit": self._commit}
        return {"source": source, "dtype": self.dtype}

    @property
    def _commit(self) -> str | None:
        return None if Path(self.path).is_dir() else resolve_commit(self.path, self.revision)

    def load(self) -> "PreTrainedModel":
        """Returns the model in eval mode, on the CPU.

        Raises:
            UserError: it cannot be read, is no trained classifier, has not one output, or has changed since something
                was named after it.
        """
        from transformers import AutoModelForSequenceClassification
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        dtype = dtype_name(self.dtype, f"the dtype of the reward model {self.name}")
        with explain_reading_errors(self.path, self._unusable):
            model, found = AutoModelForSequenceClassification.from_pretrained(
                self.path, revision=self._commit, dtype=dtype, use_safetensors=True, trust_remote_code=False,
                output_loading_info=True,
            )  # fmt: skip
        if found["missing_keys"]:  # transformers would fill them with random numbers
            missing = ", ".join(sorted(found["missing_keys"])[:3])
            raise self._unusable(f"is no trained sequence classifier: its weights lack {missing}")
        if model.config.num_labels != 1:
            raise self._unusable(f"has {model.config.num_labels} outputs; a reward is one number")
        refuse_changed(Path(self.path))
        return model.eval()

    def ids(self, pairs: list[tuple[str, str]]) -> list[tuple[int, ...]]:
        """Returns the token ids of each question with its response as a finished chat.

        Raises:
            UserError: the tokenizer cannot be loaded or has no chat template.
        """
        from transformers import AutoTokenizer

        with explain_reading_errors(
            self.path, lambda why: self._unusable(f"has no tokenizer that can be read ({why})")
        ):
            tokenizer = AutoTokenizer.from_pretrained(self.path, revision=self._commit, trust_remote_code=False)
        if not tokenizer.chat_template:
            raise self._unusable("has no chat template")
        chats = [[Message(role="user", content=q), Message(role="assistant", content=r)] for q, r in pairs]
        try:
            texts = [write_chat(tokenizer, chat, Template(), ask=False) for chat in chats]
        except UserError as error:
            raise self._unusable(f"has a chat template that cannot write a chat ({error.__cause__})") from error
        return [tuple(cast("list[int]", tokenizer(text, add_special_tokens=False)["input_ids"])) for text in texts]

    def _unusable(self, why: str) -> UserError:
        return UserError(
            f"the reward model {self.name} at {self.path!r} {why}. Give a folder or hub id of a reward model: "
            "metric.reward.model.path=FOLDER (of `car`: metric.car.model.path=FOLDER), or leave reward and car out"
        )
