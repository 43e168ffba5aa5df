"""Every local link of the project's pages leads somewhere, and the pages have one word per thing."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pages import GUIDES

LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
PAGES = sorted({ROOT / name for name in LISTED.splitlines() if (ROOT / name).exists()} | {ROOT / "README.md", *GUIDES})


def without_code(page: Path) -> str:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda code: "c" * len(code[0]), text)


def anchors(page: Path) -> set[str]:
    """The names under which the page's headings can be linked."""
    plain = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path, root: Path = ROOT) -> list[str]:
    """The page's local links that lead to no file, or to no heading of one."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or not target.is_relative_to(root) or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_local_link_leads_to_a_file_of_the_project_and_a_heading_in_it(page):
    assert dead_links(page) == []


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    good = "# One Page\n[a](page.md#one-page) [e](https://x.y) `[f](g)`\n"
    page.write_text(good + "[b](#two) [c](gone.md) [d](../out.md)\n")
    assert dead_links(page, tmp_path) == ["#two", "gone.md", "../out.md"]


def test_every_guide_can_be_reached_from_the_readme():
    linked = set(re.findall(r"\]\(docs/(\w+\.md)\)", (ROOT / "README.md").read_text()))
    assert linked == {page.name for page in GUIDES}


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda page: page.stem)
def test_what_is_made_is_called_an_artifact(page):
    assert re.findall(r"\b(?:leaf|artefacts?)\b", page.read_text(), re.IGNORECASE) == []
