"""The command that follows a pick: the one that was typed, with the strategy chosen and the whole training set."""

import re
import shlex
from collections.abc import Sequence

DROPPED = re.compile(
    r"(stage|strategy|strategy\.only|n_train|n_pilot|confirm|dry|metric|logger|seed)$"
    r"|(metric|logger|hydra|pilot)[./]|stage\.(?!generate\.|export\.)"
)
"""What says how the sample was scored, and what nobody should confirm twice."""
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
    swept = any(word in ("-m", "--multirun") for word in typed)
    pair, kept = {"benchmark": benchmark, "target_model": target_model}, list[str]()
    for word in typed[1:]:
        key, _, value = word.partition("=")
        name = key.lstrip("+~")
        if word.startswith("-") or DROPPED.match(name):
            continue
        of = OF_A_STRATEGY.match(name)
        if of and not from_files and of[1] != strategy:
            continue
        if swept and _several(value):
            if name not in pair:
                continue
            word = f"{name}={pair[name]}"
        kept.append(word)
    chosen = f"strategy.only=[{strategy}]" if from_files else f"strategy=[{strategy}]"
    return " ".join([typed[0], shlex.join(["stage=[generate,export]", *kept, chosen, "n_train=all"])])


def _several(value: str) -> bool:
    """Whether a sweep takes several values from this one."""
    return bool(re.match(r"(choice|range|interval|glob)\(", value)) or (
        "," in value and not value.startswith(("[", "{", "'", '"'))
    )
