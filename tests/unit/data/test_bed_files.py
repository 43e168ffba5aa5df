import pytest

from sppl.data.bed_files import read_bed
from sppl.schemas import UserError

OUTCOMES = """benchmark,target_model,strategy,seed,accuracy
sql,qwen,gpt4,0,0.61
sql,qwen,claude,0,0.64
"""
SCORES = """benchmark,target_model,strategy,metric,direction,value
sql,qwen,gpt4,sppl_n2,lower,1.93
sql,qwen,claude,sppl_n2,lower,1.88
"""


@pytest.fixture
def written(tmp_path):
    def write(outcomes: str = OUTCOMES, scores: str = SCORES):
        folder = tmp_path / "sql_bed"
        folder.mkdir()
        for name, text in (("outcomes.csv", outcomes), ("scores.csv", scores), ("source.md", "measured by us")):
            (folder / name).write_text(text)
        return folder

    return write


def test_a_bed_is_named_like_its_folder(written):
    bed = read_bed(written())
    assert bed.name == "sql_bed"
    assert bed.rankings().set_index("strategy")["rank"].to_dict() == {"claude": 1, "gpt4": 2}


def test_a_bed_without_metrics_has_their_first_line_alone(written):
    assert read_bed(written(scores=SCORES.splitlines()[0] + "\n")).rankings().empty


def test_a_folder_that_lacks_a_file_is_told_which(written):
    folder = written()
    (folder / "source.md").unlink()
    with pytest.raises(UserError, match=r"source.md is missing; a bed is a folder with scores.csv, outcomes.csv"):
        read_bed(folder)


@pytest.mark.parametrize(
    ("outcomes", "scores", "said"),
    [
        (
            OUTCOMES.replace("0.6", "6"),
            SCORES,
            r"line 2, field `accuracy`: 2 of 2 accuracies are not between 0 and 1, .*percent",
        ),
        (OUTCOMES.replace("0.64", "-0.64"), SCORES, "line 3, field `accuracy`: 1 of 2 accuracies .* is a fraction"),
        (
            OUTCOMES.replace("0.64", "high"),
            SCORES,
            "outcomes.csv, line 3, field `accuracy`: 'high' is no finite number",
        ),
        (OUTCOMES.replace("0.64", "nan"), SCORES, "outcomes.csv, line 3, field `accuracy`: 'nan' is no finite number"),
        (OUTCOMES.replace("0.64", ""), SCORES, "outcomes.csv, line 3, field `accuracy`: it is empty"),
        (OUTCOMES.replace("claude,0", "claude,0.5"), SCORES, "field `seed`: '0.5' is no whole number"),
        (OUTCOMES.replace("claude", "gpt4"), SCORES, "outcomes.csv, line 3: sql / qwen / gpt4 / 0 comes a second time"),
        (OUTCOMES.replace("claude", "GPT4"), SCORES, "several ways: 'GPT4' in outcomes.csv, 'gpt4' in outcomes.csv"),
        (OUTCOMES, SCORES.replace("claude", "Claude"), "'Claude' in scores.csv, 'claude' in outcomes.csv"),
        (OUTCOMES.replace("accuracy", "score"), SCORES, "outcomes.csv, line 1: no column accuracy"),
        (OUTCOMES, SCORES.replace("lower,1.88", "higher,1.88"), "sppl_n2 has several directions: lower, higher"),
        (OUTCOMES, SCORES.replace("lower", "down"), "field `direction`: 'down': there are higher, lower, none"),
        (OUTCOMES, SCORES.replace("1.88", "inf"), "scores.csv, line 3, field `value`: 'inf' is no finite number"),
        (OUTCOMES, "", "scores.csv cannot be read as a table"),
    ],
)
def test_a_fault_is_told_with_its_place(written, outcomes, scores, said):
    with pytest.raises(UserError, match=said):
        read_bed(written(outcomes, scores))


def test_all_faults_are_in_one_report(written):
    with pytest.raises(UserError) as told:
        read_bed(written(OUTCOMES.replace("0.64", "64"), SCORES.replace("1.88", "x")))
    assert "2 problems in 2 data files" in str(told.value)
