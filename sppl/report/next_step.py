"""Makes the commands that follow a pick from the command that was typed."""

import re
from collections.abc import Sequence

from sppl.commands import CHECKOUT, command, folders

DROPPED = re.compile(
    r"(stage|strategy|strategy\.only|n_train|n_pilot|n_validation|confirm|dry|metric|logger|seed)$"
    r"|(metric|logger|hydra|pilot)[./]|policy\.|stage\.(?!generate\.|export\.)"
)
"""Settings that say how the sample was scored, and what nobody should confirm twice."""
BESIDE = re.compile(
    r"(stage|strategy|strategy\.only|confirm|dry|logger|seed)$|(logger|hydra)[./]|stage\.(?!generate\.|shortlist\.)"
)
"""Settings that do not shape a shortlist."""
SCORING = re.compile(
    r"(stage|strategy|strategy\.only|n_pilot|n_validation|confirm|dry|metric|logger|policy)$"
    r"|(metric|logger|hydra|pilot|policy)[./]|policy\.|stage\.(?!generate\.)"
)
"""Settings that do not shape a full training."""
OF_DATA = re.compile(r"[+~]*(benchmark|data_dir|target_model)\b")
"""Settings that say which data are meant."""
OF_A_STRATEGY = re.compile(r"(?:.*@)?strategy\.(\w[\w+=@-]*)(?:[.:]|$)")


def next_command(
    typed: Sequence[str], strategy: str, *, benchmark: str, target_model: str, from_files: bool = False
) -> str:
    """Returns the shell command that makes and exports the full training set of one strategy.

    Settings that shape responses are kept, so that responses to the sample are found and not asked for again.

    Args:
        typed: the command that made the pick, the words that start the program first.
        strategy: the pick.
        benchmark: the one it was picked for, where a sweep had several.
        target_model: likewise.
        from_files: strategies are the files of a folder, not options of `strategy`.
    """
    kept = [word for word in typed if _of_these(word, [strategy], from_files)]
    words = ["stage=[generate,export]", _chosen([strategy], from_files), "n_train=all"]
    return command(kept, *words, drop=DROPPED, pair={"benchmark": benchmark, "target_model": target_model})


def settling_command(
    typed: Sequence[str], strategies: Sequence[str], *, benchmark: str, target_model: str, from_files: bool = False
) -> str:
    """Returns the shell command that trains the target briefly on each of the best strategies and picks one.

    Metrics and sizes stay as they were typed, so every score is found and none is computed again.

    Args:
        typed: the command that made the pick, the words that start the program first.
        strategies: all that were ranked.
        benchmark: the one they were ranked for.
        target_model: likewise.
        from_files: strategies are the files of a folder, not options of `strategy`.
    """
    kept = [word for word in typed if _of_these(word, strategies, from_files)]
    words = ["stage=[generate,predict,score,shortlist,rank,report]", _chosen(strategies, from_files)]
    return command(kept, *words, drop=BESIDE, pair={"benchmark": benchmark, "target_model": target_model})


def full_command(
    typed: Sequence[str], strategy: str, *, benchmark: str, target_model: str, from_files: bool = False
) -> str:
    """Returns the shell command that trains the target on all responses of one strategy and tests it.

    Args:
        typed: the command that settled on it, the words that start the program first.
        strategy: what was settled on.
        benchmark: the one it was settled for.
        target_model: likewise.
        from_files: strategies are the files of a folder, not options of `strategy`.
    """
    kept = [word for word in typed if word != "experiment=shortlist" and _of_these(word, [strategy], from_files)]
    words = ["stage=[generate,finetune,benchmark,report]", _chosen([strategy], from_files)]
    return command(kept, *words, drop=SCORING, pair={"benchmark": benchmark, "target_model": target_model})


def checking_command(typed: Sequence[str], *given: str) -> str:
    """Returns the shell command that looks at a user's own files and compares the rules that could judge them.

    Args:
        typed: the command that read them, the words that start the program first.
        given: what says which files are meant where nothing was typed, as from Python.
    """
    program = f"{typed[0] if typed else CHECKOUT} check"
    return command((program, *folders(typed), *filter(OF_DATA.match, typed[1:] if typed else given)))


def _chosen(strategies: Sequence[str], from_files: bool) -> str:
    listed = ",".join(strategies)
    return f"strategy.only=[{listed}]" if from_files else f"strategy=[{listed}]"


def _of_these(word: str, strategies: Sequence[str], from_files: bool) -> bool:
    """Whether a word is about none of the strategies that are left out."""
    of = OF_A_STRATEGY.match(word.partition("=")[0].lstrip("+~"))
    return from_files or not of or of[1] in strategies
