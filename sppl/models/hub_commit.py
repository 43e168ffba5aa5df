"""Resolves branches of models on the Hugging Face hub to commits, as numbers belong to one commit."""

import logging
import re
from functools import lru_cache
from pathlib import Path

log = logging.getLogger(__name__)

COMMIT = re.compile(r"[0-9a-f]{40}")
PATIENCE = 10.0
"""Seconds that the hub has to answer."""


@lru_cache(maxsize=32)
def resolve_commit(path: str, revision: str | None) -> str | None:
    """Returns the commit of a branch or tag of a hub id, the same one throughout this process.

    The hub is asked; where it cannot be reached, what lies in its local cache counts. Where that has nothing either the
    revision is returned as it was given, and loading will say what is missing.
    """
    if revision and COMMIT.fullmatch(revision):
        return revision
    from huggingface_hub import HfApi, constants

    if not constants.HF_HUB_OFFLINE:
        try:
            found = HfApi().model_info(path, revision=revision, timeout=PATIENCE).sha
            if found:
                return found
        except Exception as error:  # noqa: BLE001 (whatever hinders asking, the cache may have it all the same)
            log.debug("%s: the hub does not say its commit: %s", path, error)
    return _cached(path, revision or "main") or revision


def _cached(path: str, branch: str) -> str | None:
    """The commit of a branch when it was last fetched."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    try:
        folder = repo_folder_name(repo_id=path, repo_type="model")
        return Path(constants.HF_HUB_CACHE, folder, "refs", branch).read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):  # no such file; a path, which is no hub id
        return None
