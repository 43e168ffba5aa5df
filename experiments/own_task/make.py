"""Writes data/: twelve everyday situations with five sets of numbers each, answered in three ways.

python experiments/own_task/make.py
"""

import json
from pathlib import Path

DATA = Path(__file__).parent / "data"

SITUATIONS = [
    ("A library shelf holds {a} books. {b} are borrowed and {c} come back. How many books stand on it now?",
     ("-", "are borrowed"), ("+", "come back"), "books"),
    ("A bus starts with {a} riders. At the market {b} get off, at the school {c} get on. How many riders are on it?",
     ("-", "left the bus"), ("+", "got on"), "riders"),
    ("A pond has {a} ducks. {b} more land on it and {c} fly away. How many ducks swim there in the end?",
     ("+", "landed"), ("-", "flew away"), "ducks"),
    ("Mira bakes {a} rolls in the morning and {b} at noon. By evening {c} are sold. How many rolls are left?",
     ("+", "were baked at noon"), ("-", "were sold"), "rolls"),
    ("A chess club has {a} members. {b} join in spring and {c} join in autumn. How many members has it then?",
     ("+", "joined in spring"), ("+", "joined in autumn"), "members"),
    ("A roll of ribbon is {a} metres long. {b} metres are cut for a gift and {c} for another. How many metres remain?",
     ("-", "metres went to the first gift"), ("-", "metres went to the second"), "metres"),
    ("Omar plants {a} tulips. Deer eat {b} of them, and he plants {c} new ones. How many tulips grow in the bed?",
     ("-", "were eaten"), ("+", "were planted anew"), "tulips"),
    ("A ferry carries {a} cars. At the island {b} drive off and {c} drive on. How many cars does it carry back?",
     ("-", "drove off"), ("+", "drove on"), "cars"),
    ("A jar holds {a} walnuts. Tess adds {b} and her brother takes {c}. How many walnuts are in the jar?",
     ("+", "were added"), ("-", "were taken"), "walnuts"),
    ("The thermometer shows {a} degrees. It rises by {b} and then falls by {c}. How many degrees does it show?",
     ("+", "degrees were gained"), ("-", "degrees were lost"), "degrees"),
    ("A choir has {a} singers. {b} are ill today and {c} guests help out. How many singers are on the stage?",
     ("-", "stayed at home"), ("+", "came as guests"), "singers"),
    ("Lena has read {a} pages. She reads {b} on the train and {c} in bed. How many pages has she read?",
     ("+", "pages were read on the train"), ("+", "pages were read in bed"), "pages"),
]  # fmt: skip
NUMBERS = [(24, 7, 5), (31, 8, 6), (18, 9, 4), (42, 6, 9), (27, 5, 8)]


def answers(first: tuple[str, str], second: tuple[str, str], unit: str, a: int, b: int, c: int) -> dict[str, str]:
    """The three ways: equations in steps, the bare expression, a told explanation."""
    middle = a + b if first[0] == "+" else a - b
    total = middle + c if second[0] == "+" else middle - c
    more = {"+": "more", "-": "fewer"}
    return {
        "steps": f"Step 1: {a} {first[0]} {b} = {middle}.\nStep 2: {middle} {second[0]} {c} = {total}.\n"
        f"Final Answer: {total}",
        "terse": f"{a} {first[0]} {b} {second[0]} {c} = {total}\nFinal Answer: {total}",
        "told": f"We begin with {a} {unit}. First {b} {first[1]}, which makes {b} {more[first[0]]}: {middle} {unit}. "
        f"Then {c} {second[1]}, which makes {c} {more[second[0]]}, and so there are {total} {unit} in the end.\n"
        f"Final Answer: {total}",
        "gold": str(total),
    }


def main() -> None:
    """One file of questions, 40 for training and 20 for the test, and one file per way of answering."""
    rows: dict[str, list[dict[str, str]]] = {"questions": [], "steps": [], "terse": [], "told": []}
    for a, b, c in NUMBERS:
        for at, (text, first, second, unit) in enumerate(SITUATIONS):
            number = len(rows["questions"]) + 1
            said = answers(first, second, unit, a + at, b, c)
            question = text.format(a=a + at, b=b, c=c)
            split = "test" if number > 40 else "train"
            rows["questions"].append(
                {"id": f"q{number:02d}", "question": question, "gold_label": said["gold"], "split": split}
            )
            if split == "train":
                rows["steps"].append({"id": f"q{number:02d}", "response": said["steps"]})
                rows["terse"].append({"instruction": question, "output": said["terse"]})
                turns = [{"role": "user", "content": question}, {"role": "assistant", "content": said["told"]}]
                rows["told"].append({"messages": turns})
    for name, records in rows.items():
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (DATA / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
