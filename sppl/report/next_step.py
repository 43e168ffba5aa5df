"""The command that follows a pick: the one that was typed, with the strategy chosen and the whole training set."""

import re
import shlex
from collections.abc import Mapping, Sequence

DROPPED = re.compile(
    r"(stage|strategy|strategy\.only|n_train|n_pilot|confirm|dry|metric|logger|seed)$"
    r"|(metric|logger|hydra|pilot)[./]|stage\.(?!generate\.|export\.)"
)
"""What says how the sample was scored, and what nobody should confirm twice."""
SETTLING = "stage=[generate,predict,score,rank,pilot_finetune,pilot_benchmark,report]"
PILOT = "100"
"""Responses that a strategy is briefly trained on, where no other number was typed."""
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
    typed: Sequence[str],
    strategies: Sequence[str],
    metric: str,
    *,
    benchmark: str,
    target_model: str,
    from_files: bool = False,
) -> str:
    """A line for the shell that trains the target briefly on each of a few strategies and ranks them by that.

    Args:
        typed: the command that made the pick, the words that start the program first.
        strategies: those to settle between, best score first.
        metric: the option of `metric` that ranked them; its own settings are kept.
        benchmark: the one they were ranked for.
        target_model: likewise.
        from_files: strategies are the files of a folder, not options of `strategy`.
    """
    kept = _kept(typed, strategies, {"benchmark": benchmark, "target_model": target_model}, from_files)
    own = [word for word in typed[1:] if word.lstrip("+~").startswith(f"metric.{metric}.")]
    pilots = next((word.partition("=")[2] for word in typed if word.startswith("n_pilot=")), PILOT)
    words = [SETTLING, *kept, _chosen(strategies, from_files), f"metric=[{metric},train_then_test]", *own]
    return " ".join([typed[0], shlex.join([*words, f"n_train={pilots}", f"n_pilot={pilots}"])])


def _chosen(strategies: Sequence[str], from_files: bool) -> str:
    listed = ",".join(strategies)
    return f"strategy.only=[{listed}]" if from_files else f"strategy=[{listed}]"


def _kept(typed: Sequence[str], strategies: Sequence[str], pair: Mapping[str, str], from_files: bool) -> list[str]:
    """The words typed that shape the responses of these strategies; of a sweep's values those of the pair."""
    swept, kept = any(word in ("-m", "--multirun") for word in typed), list[str]()
    for word in typed[1:]:
        key, _, value = word.partition("=")
        name = key.lstrip("+~")
        if word.startswith("-") or DROPPED.match(name):
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
