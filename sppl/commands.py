"""Makes every command that messages print: the command that was typed, with some words changed."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence

from sppl.names import as_name

CHECKOUT = "python run.py"
"""The program's name in messages, which is replaced by the words that the user typed."""
ONCE = re.compile(r"(dry|confirm|explain|hydra\.(run|sweep)\.[\w.]+)$")
"""Matches settings that belong to the typed command and to no other."""
OF_SWEEPS = re.compile(r"(hydra/launcher|hydra\.(launcher|mode|sweeper).*)$")
"""Matches settings that only a sweep has."""
FOLDERS = ("--config-dir", "-cd")
"""Flags that are kept: they name folders of configuration files, from which later words may choose."""
SEARCHED = "hydra.searchpath"
"""The setting that also names such folders."""
CHOOSE_FILES = "leave `strategy` out to compare them all, or say 'strategy=[files]' strategy.only=[NAME]"
"""How strategies that are files are chosen."""
NOTHING = re.compile(r"(?!)")


def command(
    typed: Sequence[str],
    *changed: str,
    drop: re.Pattern[str] = NOTHING,
    pair: Mapping[str, str] | None = None,
    sweep: bool = False,
) -> str:
    """Returns a shell command: the typed one with some words replaced.

    Where nothing was typed, as from Python, it says which stages to call, or which arguments to change.

    Args:
        typed: the words that start the program first; empty where nothing was typed.
        changed: words of the new command, each in the place of the one that sets the same; a stage that was not typed
            stands first, others last.
        drop: settings that are left out.
        pair: of a sweep's values those to keep, by setting (`benchmark`, `target_model`); other swept settings go.
        sweep: whether the new command is a sweep.
    """
    if not typed:
        return _call(changed)
    new = {_key(word): word for word in changed}
    replaced = [new.get(_key(word), word) for word in kept_words(typed, drop, pair, sweep=sweep, there=set(new))]
    kept = list(dict.fromkeys(replaced))
    new = {key: word for key, word in new.items() if word not in kept}
    first = [new.pop("stage")] if "stage" in new else []
    words = [*(["-m"] if sweep else []), *folders(typed), *first, *kept, *new.values()]
    return f"{typed[0]} {shlex.join(words)}".rstrip()


def kept_words(
    typed: Sequence[str],
    drop: re.Pattern[str] = NOTHING,
    pair: Mapping[str, str] | None = None,
    *,
    sweep: bool = False,
    there: Collection[str] = (),
) -> list[str]:
    """Returns the settings of a command that another one keeps (see `command`); those in `there` always stay."""
    swept, kept = any(word in ("-m", "--multirun") for word in typed), list[str]()
    for word in _settings(typed):
        name, value = _key(word), word.partition("=")[2]
        if name != SEARCHED and (drop.match(name) or ONCE.match(name) or (OF_SWEEPS.match(name) and not sweep)):
            continue
        if swept and not sweep and several_values(value) and name not in there:
            if (one := _of_pair(name, value, pair or {})) is None:
                continue
            word = f"{name}={one}"
        kept.append(word)
    return kept


def folders(typed: Sequence[str]) -> list[str]:
    """Returns the flags of a command that name folders of configuration files."""
    found: list[str] = []
    for word, following in zip(typed, [*typed[1:], ""], strict=False):
        if word in FOLDERS:
            found += [word, following]
        elif word.startswith(tuple(f"{flag}=" for flag in FOLDERS)):
            found.append(word)
    return found


def as_list(typed: Sequence[str], example: str = "gpt4,claude") -> str:
    """Returns the command that puts a sweep's strategies, or else those of the example, into one job."""
    if not typed:
        return "call it once with all strategies"
    for word in _settings(typed):
        name, _, value = word.partition("=")
        if name == "strategy" and several_values(value):
            return command(typed, f"strategy=[{value}]")
    return command(typed, f"strategy=[{example}]")


def several_values(value: str) -> bool:
    """Whether a sweep takes several values from this one."""
    return bool(re.match(r"(choice|range|interval|glob)\(", value)) or (
        "," in value and not value.startswith(("[", "{", "'", '"'))
    )


def _call(changed: Sequence[str]) -> str:
    """What somebody does who calls the stages from Python."""
    given = dict(word.lstrip("+~").split("=", 1) for word in changed)
    names = [name for name in given.pop("stage", "").strip("[]").split(",") if name]
    calls = ", then ".join(f"sppl.stages.{name}.{name}" for name in names) or "the same function"
    said = "".join(f", but {name}={value}" for name, value in given.items())
    return f"call {calls} with the same arguments{said}"


def _of_pair(name: str, value: str, pair: Mapping[str, str]) -> str | None:
    """The value of a sweep that belongs to a benchmark and target model; None where none does."""
    group = name.partition(".")[0]
    if name in pair and pair[name] in value.split(","):
        return pair[name]
    return next((one for one in value.split(",") if pair.get(group) == as_name(one)), pair.get(name))


def _settings(typed: Sequence[str]) -> list[str]:
    """The words that are settings: no flags, and no folders that belong to one."""
    behind = {number + 1 for number, word in enumerate(typed) if word in FOLDERS}
    return [word for number, word in enumerate(typed[1:], 1) if not word.startswith("-") and number not in behind]


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")
