"""The text of `--help`; Hydra's own help would first compose the whole configuration, which takes a second."""

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from sppl.cli.known import choice, every_setting, groups
from sppl.cli.unknown import nearest
from sppl.packaged import conf

TEXT = """\
sppl predicts, before any training, which response generation strategy will fine-tune your model best.

  python run.py                                              the whole loop on the embedded lab: CPU, no network, no key
  python run.py -m strategy=gpt4,claude,rewrite              the same as a sweep: one job per strategy
  python run.py 'stage=[predict,score,rank]' 'strategy=[gpt4,claude]'    only pick a strategy
  python run.py benchmark=local data_dir=my_task target_model.path=FOLDER  bring your own: one JSONL per strategy
  python run.py check data_dir=my_task                       what your files hold and lack, and the command that goes on
  python run.py experiment=lab                               a study; each file in conf/experiment says what it does
  python run.py dry=true ...                                 what is found, what would be made; nothing runs
  python run.py explain=gpt4/accuracy                        where a number or an artifact comes from, down to its files
  python run.py 'compare=[first,second]'                     what differs between two reports, row by row
  python run.py --cfg job ...                                the configuration a command would run with
  python run.py --help training                              the options of a group, and its settings with comments
  python run.py --help lr                                    the settings that a word names, or is short for: lora
  python run.py --hydra-help                                 flags and groups of Hydra, which reads the command line

Groups (choose with group=option, lists as 'group=[a,b]'; change a value with key=value):
{groups}

Keys: {keys}
"""


def help_text(arguments: Sequence[str]) -> str:
    """Returns the help text, including groups of configuration folders that the arguments add."""
    options: dict[str, set[str]] = {}
    for folder in (conf(), *_own_folders(arguments)):
        for path in folder.rglob("*.yaml"):
            group = path.parent.relative_to(folder).as_posix()
            if group != "." and not {"hydra", "shared"} & set(group.split("/")):
                options.setdefault(group, set()).add(path.stem)
    if asked := [word for word in arguments if not word.startswith("-") and "=" not in word]:
        return "".join(_options(word) if word in options or word in groups() else _settings(word) for word in asked)
    listed = "\n".join(f"{group}: {', '.join(sorted(names))}" for group, names in sorted(options.items()))
    return TEXT.format(groups=listed, keys=" ".join(_keys()))


def _options(group: str) -> str:
    """The options of one of our groups, each with the first line of its file."""
    files_ = sorted((conf() / group).glob("*.yaml"))
    width = max((len(path.stem) for path in files_), default=0)
    lines = "".join(f"{group}={path.stem:{width}}  {_first_line(path)}\n" for path in files_)
    return lines + (f"\n{_shown(default)}" if (default := _default(group)) else "")


def _default(group: str) -> Path | None:
    """The file of a group that commands have unless another is chosen; of a group of many, the first."""
    found = re.search(rf"^  - {group}: \[?(\w+)", (conf() / "config.yaml").read_text(), re.MULTILINE)
    file = conf() / group / f"{found[1]}.yaml" if found else None
    return file if file and file.is_file() else None  # `null` where commands have none of the group


def _shown(file: Path) -> str:
    """A file's settings with their comments."""
    text = file.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not re.match(r"#|defaults:|_target_:|  - ", line)]
    return f"settings of {choice(file.parent.name, file.stem)} (the default):\n" + "".join(
        f"  {one}\n" for one in lines
    )


def _settings(word: str) -> str:
    """The settings that a word names or is short for, each with the choices that have it."""
    found = every_setting()
    if word in found:
        return f"{word}  {_with(found[word])}".rstrip() + "\n"
    ends = {place.rpartition(".")[2] for place in found}
    near = {place.rpartition(".")[2] for place in nearest(word, sorted(ends))}
    wanted = near | {end for end in ends if word.lower() in end.split("_")}
    lines = [f"{place}  {_with(found[place])}".rstrip() for place in found if place.rpartition(".")[2] in wanted]
    if not lines:
        return f"{word}: there is no group and no setting like it. All there are: python run.py --help\n"
    return "\n".join(lines) + "\n"


def _with(choices: Sequence[str]) -> str:
    return f"with {', '.join(choices[:4])}{' and others' if len(choices) > 4 else ''}" if choices else ""


def _first_line(path: Path) -> str:
    """What the comment at the top of a file says first, Hydra's own mark passed over."""
    comments = re.findall(r"^# (?!@package)(.*)$", path.read_text(), re.MULTILINE)
    return comments[0] if comments else ""


def _keys() -> list[str]:
    """The settings that stand at the top, those that a run fills in left out."""
    texts = [(conf() / name).read_text() for name in ("config.yaml", "paths/default.yaml")]
    return [key for text in texts for key in re.findall(r"^(\w+): (?!.*# filled in)", text, re.MULTILINE)]


def _own_folders(arguments: Sequence[str]) -> list[Path]:
    """Folders of configuration files beside ours: `--config-dir FOLDER`, 'hydra.searchpath=[file://FOLDER]'."""
    line = "\n".join(arguments)
    folders = re.findall(r"^(?:--config-dir|-cd)(?:=|\n)(.+)$", line, re.MULTILINE)
    for scheme, place in re.findall(r"\b(file|pkg)://([^\s,\]'\"]+)", line):
        folders.append(place if scheme == "file" else str(files(place.replace("/", "."))))
    return [Path(folder) for folder in folders if Path(folder).is_dir()]
