"""The command that follows a pick: the one that was typed, with the strategy chosen and the whole training set."""

import re
import shlex
from collections.abc import Mapping, Sequence

DROPPED = re.compile(
    r"(stage|strategy|strategy\.only|n_train|n_pilot|n_validation|confirm|dry|metric|logger|seed)$"
    r"|(metric|logger|hydra|pilot)[./]|policy\.|stage\.(?!generate\.|export\.)"
)
"""What says how the sample was scored, and what nobody should confirm twice."""
BESIDE = re.compile(
    r"(stage|strategy|strategy\.only|confirm|dry|logger|seed)$|(logger|hydra)[./]|stage\.(?!generate\.|shortlist\.)"
)
"""What does not shape a shortlist."""
SCORING = re.compile(
    r"(stage|strategy|strategy\.only|n_pilot|n_validation|confirm|dry|metric|logger|policy)$"
    r"|(metric|logger|hydra|pilot|policy)[./]|policy\.|stage\.(?!generate\.)"
)
"""What does not shape a full training."""
OF_DATA = re.compile(r"[+~]*(benchmark|data_dir|target_model)\b")
"""What says which data are meant."""
OF_A_STRATEGY = re.compile(r"(?:.*@)?strategy\.(\w[\w+=@-]*)(?:[.:]|$)")


def next_command(
    typed: Sequence[str], strategy: str, *, benchmark: str, target_model: str, from_files: bool = False
) -> str:
    """A line for the shell that makes and exports the full training set of one strategy.

    Everything typed that shapes responses is kept, so the answers to the sample are found and not asked for again.

    Args:
        typed: the command that made the pick, the words that start the program first.
        strategy: the pick.
        benchmark: the one it was picked for, where a sweep had several.
        target_model: likewise.
        from_files: strategies are the files of a folder, not options of `strategy`.
    """
    kept = _kept(typed, [strategy], {"benchmark": benchmark, "target_model": target_model}, from_files)
    words = ["stage=[generate,export]", *kept, _chosen([strategy], from_files), "n_train=all"]
    return " ".join([typed[0], shlex.join(words)])


def settling_command(
    typed: Sequence[str], strategies: Sequence[str], *, benchmark: str, target_model: str, from_files: bool = False
) -> str:
    """A line for the shell that trains the target briefly on each of the best and settles between them.

    Metrics and sizes stay as they were typed, so every score is found and none is computed again.

    Args:
        typed: the command that made the pick, the words that start the program first.
        strategies: all that were ranked.
        benchmark: the one they were ranked for.
        target_model: likewise.
        from_files: strategies are the files of a folder, not options of `strategy`.
    """
    pair = {"benchmark": benchmark, "target_model": target_model}
    kept = _kept(typed, strategies, pair, from_files, BESIDE)
    words = ["stage=[generate,predict,score,shortlist,rank,report]", *kept, _chosen(strategies, from_files)]
    return " ".join([typed[0], shlex.join(words)])


def full_command(
    typed: Sequence[str], strategy: str, *, benchmark: str, target_model: str, from_files: bool = False
) -> str:
    """A line for the shell that trains the target on all responses of one strategy and tests it.

    Args:
        typed: the command that settled on it, the words that start the program first.
        strategy: what was settled on.
        benchmark: the one it was settled for.
        target_model: likewise.
        from_files: strategies are the files of a folder, not options of `strategy`.
    """
    pair = {"benchmark": benchmark, "target_model": target_model}
    kept = _kept([word for word in typed if word != "experiment=shortlist"], [strategy], pair, from_files, SCORING)
    words = ["stage=[generate,finetune,benchmark,report]", *kept, _chosen([strategy], from_files)]
    return " ".join([typed[0], shlex.join(words)])


def checking_command(typed: Sequence[str]) -> str:
    """A line for the shell that looks at own files and compares the rules that could judge them.

    Args:
        typed: the command that read them, the words that start the program first.
    """
    return " ".join([*typed[:1], shlex.join(["check", *filter(OF_DATA.match, typed[1:])])])


def _chosen(strategies: Sequence[str], from_files: bool) -> str:
    listed = ",".join(strategies)
    return f"strategy.only=[{listed}]" if from_files else f"strategy=[{listed}]"


def _kept(
    typed: Sequence[str],
    strategies: Sequence[str],
    pair: Mapping[str, str],
    from_files: bool,
    dropped: re.Pattern[str] = DROPPED,
) -> list[str]:
    """The words typed that shape the responses of these strategies; of a sweep's values those of the pair."""
    swept, kept = any(word in ("-m", "--multirun") for word in typed), list[str]()
    for word in typed[1:]:
        key, _, value = word.partition("=")
        name = key.lstrip("+~")
        if word.startswith("-") or dropped.match(name):
            continue
        of = OF_A_STRATEGY.match(name)
        if of and not from_files and of[1] not in strategies:
            continue
        if swept and _several(value):
            if name not in pair:
                continue
            word = f"{name}={pair[name]}"
        kept.append(word)
    return kept


def _several(value: str) -> bool:
    """Whether a sweep takes several values from this one."""
    return bool(re.match(r"(choice|range|interval|glob)\(", value)) or (
        "," in value and not value.startswith(("[", "{", "'", '"'))
    )
