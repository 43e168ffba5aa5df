"""What `--help` prints. Hydra's own would compose the whole configuration first, which takes a second."""

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

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
  python run.py --cfg job ...                                the configuration a command would run with
  python run.py --help benchmark                             the options of a group, each with what it is
  python run.py --hydra-help                                 flags and groups of Hydra, which reads the command line

Groups (choose with group=option, lists as 'group=[a,b]'; change a value with key=value):
{groups}

Keys: {keys}
"""


def help_text(arguments: Sequence[str]) -> str:
    """The help, with the groups of the configuration folders that the arguments add."""
    options: dict[str, set[str]] = {}
    for folder in (conf(), *_own_folders(arguments)):
        for path in folder.rglob("*.yaml"):
            group = path.parent.relative_to(folder).as_posix()
            if group != "." and not {"hydra", "shared"} & set(group.split("/")):
                options.setdefault(group, set()).add(path.stem)
    if asked := [word for word in arguments if word in options]:
        return "".join(map(_options, asked))
    groups = "\n".join(f"{group}: {', '.join(sorted(names))}" for group, names in sorted(options.items()))
    return TEXT.format(groups=groups, keys=" ".join(_keys()))


def _options(group: str) -> str:
    """The options of one of our groups, each with the first line of its file."""
    files_ = sorted((conf() / group).glob("*.yaml"))
    width = max((len(path.stem) for path in files_), default=0)
    return "".join(f"{group}={path.stem:{width}}  {_first_line(path)}\n" for path in files_)


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
