"""Explains words that cannot become a configuration, one sentence each, with the nearest words that can."""

import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from sppl.cli.command_line import WORD
from sppl.cli.known import choice, every_setting, groups, list_groups, options
from sppl.cli.unknown import nearest, places_of
from sppl.commands import CHECKOUT, CHOOSE_FILES, command

ALL = "All there are: python run.py --cfg job"
HINT = re.compile(r"\s*(See https://hydra\.cc\S*.*|Set the environment variable .*)")


def flags_first(arguments: Sequence[str]) -> list[str]:
    """Returns the words with flags before settings, the only order in which Hydra reads them."""
    if "--help" in arguments or not any(word.startswith("-") for word in arguments):
        return list(arguments)
    from hydra._internal.utils import get_args_parser

    actions = {flag: action for action in get_args_parser()._actions for flag in action.option_strings}
    flags, settings, words = list[str](), list[str](), list(arguments)
    while words:
        word = words.pop(0)
        (flags if word.startswith("-") else settings).append(word)
        action = actions.get(word)
        if words and action is not None and (action.nargs is None or words[0] in (action.choices or ())):
            flags.append(words.pop(0))
    return [*flags, *settings]


def check_flags(arguments: Sequence[str]) -> str:
    """Returns why a flag (a word that begins with a dash) cannot be read; empty where all can."""
    if not any(word.startswith("-") for word in arguments):
        return ""
    from hydra._internal.utils import get_args_parser

    parser, wrong = get_args_parser(), list[str]()

    def refuse(message: str) -> None:
        wrong.append(message)
        raise _Refused

    parser.error = refuse  # type: ignore[method-assign]  # argparse would print how Hydra is used and end the process
    try:
        _, rest = parser.parse_known_args(list(arguments))
    except _Refused:
        return f"{wrong[0]}. Flags: -m for a sweep, --help, --cfg job; settings are typed key=value"
    unknown = [word for word in rest if word.startswith("-")]
    if not unknown:
        return ""
    flags = sorted(flag for action in parser._actions for flag in action.option_strings)
    near = _meant(unknown[0].partition("=")[0], flags)
    bare = unknown[0].lstrip("-")
    setting = f"; a setting has no dashes: {bare}" if bare.partition("=")[0] in every_setting() else ""
    return f"{unknown[0]}: there is no such flag{setting}{near} Flags: -m for a sweep, --help, --cfg job"


def check_words(arguments: Sequence[str]) -> str:
    """Returns what is wrong with a word without a key, or with two choices of one group; empty where nothing is.

    Of two choices Hydra would take the second in silence.
    """
    chosen = dict[str, str]()
    for word in arguments:
        if word.lstrip("+~").startswith("=") or not word:
            return f"{word!r}: a setting is typed key=value, without blanks around the ="
        if get_close_matches(word.lower(), [WORD], cutoff=0.75):
            meant = [WORD if one == word else one for one in arguments]
            return f"{word}: did you mean `{WORD}`? {CHECKOUT} {shlex.join(meant)}"
        group, equals, option = word.lstrip("+").partition("=")
        if equals and group in groups() and chosen.setdefault(group, option) != option:
            return f"{group} is chosen twice, as {group}={chosen[group]} and as {group}={option}; leave one of them out"
    return ""


def describe_repeated_settings(arguments: Sequence[str]) -> str:
    """Returns a line per setting that was typed with several values, of which the last counts; empty if none was."""
    values = dict[str, list[str]]()
    for word in arguments:
        key, equals, value = word.lstrip("+").partition("=")
        if equals and not word.startswith("-"):
            values.setdefault(key, []).append(value)
    several = {key: typed for key, typed in values.items() if len(set(typed)) > 1}
    return "".join(
        f"{key} is typed {len(typed)} times, as {', '.join(typed)}; the last counts: {key}={typed[-1]}\n"
        for key, typed in several.items()
    )


class _Refused(Exception):
    """Ends argparse, whose message was kept."""


def explain_mistake(error: Exception, arguments: Sequence[str], compose: Callable[[list[str]], Any]) -> str:
    """Returns one sentence for an error of composing; Hydra's own first sentence where its kind is not known.

    Args:
        error: of Hydra or OmegaConf.
        arguments: the words that were typed.
        compose: returns the plain configuration of given words; used to see what there is without the wrong one.
    """
    said = " ".join(HINT.sub("", str(error)).split())
    typed = [word for word in arguments if "=" in word or word.startswith("~")]
    if (missing := getattr(error, "missing_cfg_file", None)) is not None:
        return _no_option(str(missing), typed, getattr(error, "options", None) or ())
    if found := re.match(r"Ambiguous value for argument '(.+?)' 1\.", said):
        return _ambiguous(found[1], arguments)
    if found := re.match(r"Could not override '(.+?)'\.", said):
        inner = str(getattr(error.__cause__, "full_key", ""))  # of a mapping that was typed, the key that is wrong
        inside = inner.startswith(f"{found[1]}.") and "={" in _word_of(found[1], typed)
        return _no_setting(inner if inside else found[1], typed, compose)
    if found := re.match(r"Could not append to config\. An item is already at '(.+?)'", said):
        word = next((one for one in typed if one.lstrip("+").startswith(f"{found[1]}=")), found[1])
        return (
            f"{word}: there is a setting `{found[1]}` already; type it without the +: {shlex.quote(word.lstrip('+'))}"
        )
    if found := re.search(r"Could not delete from config\. '(.+?)' does not exist", said):
        return f"~{found[1]}: there is no setting `{found[1]}` to take away. {ALL}"
    if found := re.match(r"Could not override '(.+?)'|Error parsing override '(.+?)'", said):
        return _unreadable(found[2] or found[1], said)
    if re.match(
        r"(LexerNoViable|no viable alternative|mismatched input|extraneous input|token recognition|missing )", said
    ):
        return _unreadable(_culprit(typed, arguments), said)
    if found := re.match(r"Multiple values for ([\w/@.]+)", said):
        return f"{found[1]} is chosen more than once: {' '.join(_words_of(found[1], typed))}; leave one of them"
    if found := re.search(r"In '.*?': Could not (?:load|find) '(.+?)'", said):
        return _no_option(found[1], typed)
    return said


def _no_option(wanted: str, typed: Sequence[str], found: Sequence[str] = ()) -> str:
    group, _, name = wanted.rpartition("/")
    word = next((one for one in typed if one.lstrip("+").startswith(f"{group}=")), f"{group}={name}")
    there = sorted({*options(group), *found})
    if not there:
        return f"{word}: there is no group `{group}`{_meant(group, groups())} Groups: {', '.join(groups())}"
    if group == "strategy" and "benchmark=local" in typed:
        return f"{word}: there is no strategy `{name}` beside your own files; {CHOOSE_FILES}"
    return f"{word}: there is no {group} `{name}`{_meant(name, there)} There are: {', '.join(there)}"


def _ambiguous(word: str, arguments: Sequence[str]) -> str:
    key, _, values = word.partition("=")
    if key == "strategy" and "benchmark=local" in arguments and not set(values.split(",")) <= set(options(key)):
        return f"{word}: with benchmark=local your files are the strategies; {CHOOSE_FILES}"
    swept = f"a sweep makes one job of each: {command((CHECKOUT, *arguments), sweep=True)}"
    if key in list_groups():
        return f"{word}: several values; in one job they are a list in quotes: '{key}=[{values}]'; {swept}"
    return f"{word}: several values where one is wanted; {swept}; as one text with commas: \"{key}='{values}'\""


def _no_setting(key: str, typed: Sequence[str], compose: Callable[[list[str]], Any]) -> str:
    """The sentence about a key that the composed configuration lacks, although another choice may have it."""
    word = _word_of(key, typed)
    config = _composed_without(key, typed, compose)
    known, (group, *rest) = every_setting(), key.split(".")
    if group in list_groups() and rest and isinstance(config.get(group), Mapping):
        chosen = list(config[group])
        if rest[0] not in chosen and rest[0] in options(group):
            more = f"'{group}=[{','.join(map(str, [*chosen, rest[0]]))}]'"
            return (
                f"{word}: {group} `{rest[0]}` is not chosen ({', '.join(map(str, chosen))} are); choose it too: {more}"
            )
    if owners := known.get(key, ()):
        now = f"; this command has {chosen}" if (chosen := _chosen(group, config)) else ""
        return f"{word}: the setting comes with {_or(owners)}{now}"
    parent, _, last = key.rpartition(".")
    if parent and _at(config, parent) is None and parent in known:
        value = word.partition("=")[2]
        return f"{word}: `{parent}` is null here; type the whole mapping: '{parent}={{{last}: {value}}}'"
    inside = [place for place in places_of(config) if place.startswith(f"{parent}.")] if parent else []
    near = nearest(last, inside) or nearest(last, places_of(config)) or nearest(last, list(known))
    if not parent:
        same = any(place.rpartition(".")[2] == last for place in near)
        meant = [name for name in groups() if name.startswith(key)]
        meant = meant or ([] if same else get_close_matches(key, groups(), n=1))
        near = [*dict.fromkeys([*meant, *near])][:2]
    hint = f"; did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else "."
    return f"{word}: there is no setting `{key}`{hint} {ALL}"


def _composed_without(key: str, typed: Sequence[str], compose: Callable[[list[str]], Any]) -> Mapping[str, Any]:
    """The configuration of the other words; of none where these are wrong, too."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from sppl.schemas import UserError

    others = [word for word in typed if not _is_of(word, key)]
    for words in ([one for one in others if "," not in one or "[" in one], []):
        try:
            return compose(words)
        except (HydraException, OmegaConfBaseException, UserError, ValueError):  # it only serves to name what is near
            continue
    return {}


def _is_of(word: str, key: str) -> bool:
    """Whether a word sets a key, or a mapping that it lies in."""
    name = word.lstrip("+~").partition("=")[0]
    return key == name or ("={" in word and key.startswith(f"{name}."))


def _chosen(group: str, config: Mapping[str, Any]) -> str:
    """The chosen option of a group, where its part of the configuration shows which it is; else empty."""
    part = config.get(group)
    if not isinstance(part, Mapping):
        return ""
    fits = [name for name in options(group) if str(part.get("name")) == name]
    targets = [name for name in options(group) if _keys(group, name) == frozenset(map(str, part))]
    return choice(group, (fits or targets)[0]) if fits or targets else ""


def _keys(group: str, name: str) -> frozenset[str]:
    this = choice(group, name)
    return frozenset(
        place.split(".")[1] for place, by in every_setting().items() if this in by and place.count(".") == 1
    )


def _at(config: Any, place: str) -> Any:
    for key in place.split("."):
        if not isinstance(config, Mapping) or key not in config:
            return _Refused
        config = config[key]
    return config


def _unreadable(word: str, said: str) -> str:
    """The sentence about a word that Hydra cannot read, mostly because the shell took its quotes or blanks."""
    key, equals, value = word.partition("=")
    if not equals:
        is_group = key in groups()
        form = f"{key}=NAME" if is_group else f"{key}=VALUE"
        near = "." if key in every_setting() or is_group else _meant(key, [*groups(), *every_setting()])
        return f"{word}: a setting is typed key=value, for example {form}{near}"
    pairs = {"[": "]", "{": "}", "(": ")"}
    unclosed = [f"{a} without {b}" for a, b in pairs.items() if value.count(a) > value.count(b)]
    unclosed += [f"{b} without {a}" for a, b in pairs.items() if value.count(b) > value.count(a)]
    unclosed += [f"one {quote} alone" for quote in "'\"" if value.count(quote) % 2]
    why = f" ({'; '.join(unclosed)})" if unclosed else ""
    return (
        f"{word}: this value cannot be read{why}; the shell takes quotes and blanks, so put the whole word in single "
        "quotes, lists as 'key=[a,b]', mappings as 'key={a: 1}', text with signs in it as 'key=\"...\"'"
    ) + ("" if why else f". What was expected: {said.partition(' See ')[0][:120]}")


def _culprit(typed: Sequence[str], arguments: Sequence[str]) -> str:
    """The word that Hydra's grammar refuses."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for word in arguments:
        if word.startswith("-"):
            continue
        try:
            parser.parse_override(word)
        except HydraException:
            return word
    return " ".join(typed)


def _word_of(key: str, typed: Sequence[str]) -> str:
    return next((word for word in typed if _is_of(word, key)), key)


def _words_of(group: str, typed: Sequence[str]) -> list[str]:
    return [word for word in typed if word.lstrip("+~").startswith(f"{group}=")]


def _meant(name: str, there: Collection[str]) -> str:
    near = get_close_matches(name, list(there), n=1)
    return f"; did you mean `{near[0]}`?" if near else "."


def _or(choices: Sequence[str]) -> str:
    shown = [f"'{one}'" if "[" in one else one for one in choices[:3]]
    return " or ".join(shown) + (" and others" if len(choices) > 3 else "")
