"""Every setting of the lab target's pretraining, and a hash that names the checkpoint these settings make."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace

from sppl.lab.corpus import CorpusRecipe, documents


@dataclass(frozen=True)
class CheckpointSettings:
    """The settings of one pretraining; the defaults made the shipped checkpoint."""

    seed: int = 0
    corpus: CorpusRecipe = field(default_factory=CorpusRecipe)
    vocabulary: int = 640
    hidden: int = 96
    feed_forward: int = 256
    layers: int = 4
    heads: int = 4
    tokens_per_batch: int = 2_048
    epochs: int = 1
    muon_lr: float = 1e-2
    adamw_lr: float = 3e-3
    warmup_steps: int = 50
    decay_share: float = 0.4
    """Share of the steps, at the end, over which the learning rates fall linearly to zero."""
    prompt_weight: float = 0.1
    """Loss weight of question and example tokens; a response token weighs 1."""
    clip: float = 1.0


def settings_hash(settings: CheckpointSettings | None = None) -> str:
    """16 hex digits that change with any setting and with any change of the corpus' texts (a sample is hashed)."""
    settings = settings or CheckpointSettings()
    sampled = replace(settings.corpus, pairs=400, in_context=100, bare=50, facts=20)
    digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    for document in documents(sampled, seed=settings.seed):
        digest.update(json.dumps([document.user, document.response]).encode())
    return digest.hexdigest()[:16]
