"""docs/first_hour.md is what a newcomer's commands print; the second and the third are printed by the one before."""

import re
import subprocess

import pytest

from tests.conftest import ROOT
from tests.pages import words

PAGE = ROOT / "docs" / "first_hour.md"
STEP = re.compile(r"```bash\n(.*?)\n```\n\n```\n(.*?)\n```", re.DOTALL)
DIGEST = re.compile(r"(?<=-)[0-9a-f]{8}\b")


def steps(text: str) -> list[tuple[str, str]]:
    """The commands of a record with what each prints; digests, which name the code too, are left out."""
    return STEP.findall(DIGEST.sub("#", text))


@pytest.mark.slow
def test_the_record_of_the_first_hour_is_what_its_commands_print(tmp_path):
    made = tmp_path / "page.md"
    script = ["bash", str(ROOT / "experiments" / "first_hour" / "run.sh"), str(made)]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    now, shown = steps(made.read_text()), steps(PAGE.read_text())
    assert [command for command, _ in now] == [command for command, _ in shown]
    for (command, got), (_, wanted) in zip(now, shown, strict=True):
        (some, numbers), (others, values) = words(got), words(wanted)
        assert some == others, command
        assert numbers == pytest.approx(values, rel=0.05, abs=0.05), command


def test_five_commands_at_most_lead_from_a_folder_to_a_pick_its_export_and_a_training():
    (look, looked), (pick, picked), (export, exported), (train, trained) = steps(PAGE.read_text())
    assert look.startswith("python run.py check ")
    assert looked.endswith(f"\n  {pick}")
    assert f"\n  {export}\n" in picked
    assert re.search(r"\d+ of \d+ rows", exported)
    assert train == pick.replace(" 'stage=[predict,score,rank,report]'", "")
    assert "Trained and tested: " in trained
    assert "Traceback" not in PAGE.read_text()
