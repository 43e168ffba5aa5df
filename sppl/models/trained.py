"""Fine-tuned models on disk: one loader for PEFT folders and ordinary model folders."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sppl.models.lora import quiet_peft
from sppl.models.target import TargetModel
from sppl.schemas import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class TrainedModels:
    """Loads one fine-tuned model after the other; adapters share one copy of the target and are never merged."""

    def __init__(self, target: TargetModel) -> None:
        self.target = target
        self._base: Any = None
        self._wrapped: Any = None
        self._folder: Path | None = None
        self._model: Any = None

    def load(self, folder: Path) -> "PreTrainedModel":
        """The model of a folder in eval mode; the one loaded before it must no longer be used."""
        if folder != self._folder:
            self._folder, self._model = None, None
            self._model = self._loaded(folder)
            self._folder = folder
        return self._model

    def _loaded(self, folder: Path) -> "PreTrainedModel":
        if not (folder / "adapter_config.json").exists():
            from transformers import AutoModelForCausalLM

            kind = {"dtype": self.target.dtype, "attn_implementation": self.target.attention}
            kind |= {"use_safetensors": True, "trust_remote_code": self.target.trust_remote_code}
            return AutoModelForCausalLM.from_pretrained(folder, **kind).eval()
        from peft import PeftModel

        if self._wrapped is not None:
            self._base = self._wrapped.unload()  # takes the last adapter's layers out of the shared copy
        elif self._base is None:
            self._base = self.target.load()
        if not (folder / "adapter_model.safetensors").is_file():  # PEFT would go on and look for a pickle
            raise UserError(f"{folder} has no adapter_model.safetensors; remove it and run the same command again")
        with quiet_peft():
            self._wrapped = PeftModel.from_pretrained(self._base, folder)
        return self._wrapped.eval()
