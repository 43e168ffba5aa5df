"""The project's pages for people, and what is marked in them."""

import re
import shlex
from pathlib import Path

from tests.conftest import ROOT

GUIDES = sorted((ROOT / "docs").glob("*.md"))
"""The pages of docs/."""
NUMBER = r"\d+(?:\.\d+)?"


def commands(page: Path) -> list[str]:
    """The page's `python run.py` commands, each on one line."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    blocks = [text for language, text in fenced if language in ("", "bash")]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    found = (re.match(r"(?:\w+=\S+ )*(python run\.py .*)", line.strip()) for line in lines)
    return [match[1] for match in found if match]


def marked(page: Path, mark: str) -> list[str]:
    """The commands under `<!-- mark -->`."""
    found = re.findall(rf"<!-- {mark} -->\n```bash\n([^\n]*)\n```", page.read_text())
    return [re.sub(r"^(?:\w+=\S+ )+", "", command) for command in found]


def shown_below(page: Path, mark: str) -> tuple[str, str]:
    """The one command under `<!-- mark -->` and what the page says that it prints."""
    ((command, shown),) = re.findall(
        rf"<!-- {mark} -->\n```bash\n([^\n]*)\n```\n\n```\n(.*?)\n```", page.read_text(), re.DOTALL
    )
    return command, shown


def arguments(command: str) -> list[str]:
    """What is typed behind `python run.py`."""
    return shlex.split(command, comments=True)[2:]


def first_job(command: str) -> list[str]:
    """The overrides of a command, of a sweep those of its first job."""
    given = arguments(command)
    plain = [part for part in given if not part.startswith("-")]
    return [part if "[" in part or "-m" not in given else part.split(",")[0] for part in plain]


def write_files(page: Path, folder: Path) -> list[Path]:
    """Writes the files a page shows (`<!-- file NAME -->`) below a folder."""
    made = []
    for name, text in re.findall(r"<!-- file (\S+) -->\n```\w+\n(.*?)```", page.read_text(), re.DOTALL):
        made.append(folder / name)
        made[-1].parent.mkdir(parents=True, exist_ok=True)
        made[-1].write_text(text)
    return made


def words(text: str) -> tuple[list[str], list[float]]:
    """A text's words with every number as `#`, and the numbers."""
    return re.sub(NUMBER, "#", text).split(), [float(number) for number in re.findall(NUMBER, text)]
