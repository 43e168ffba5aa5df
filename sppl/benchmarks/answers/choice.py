"""Answers that choose one of several options, by label or by the option's own text."""

import re
from collections.abc import Sequence
from functools import cache

from sppl.benchmarks.answers.reading import answer_line, answer_part, bare, plain
from sppl.benchmarks.answers.several import are_listed, denied
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

LONGEST = 2000
"""Characters of the answer's line that are read; a label further back is none."""

_SAYS = (
    r"(?:options?|choices?|answers?|letters?|labels?|numbers?|endings?|solutions?|alternatives?|candidates?"
    r"|选项|選項|答案)"
)
_LEAD = re.compile(
    rf"(?:it'?s |it is |i(?:'d| would)? (?:choose|pick|select|say|go with) |so,? |thus,? |therefore,? )?"
    rf"(?:the )?(?:(?:correct|best|right|final) )?{_SAYS}?(?: is| would be)?[\s:#(\[{{*=\"'-]{{0,6}}",
    re.IGNORECASE,
)
_FRONT = re.compile(r"[(\[]?([A-Ja-j1-9])(?:[)\]:]{1,2}|[.:)\]]?\s)\s?[(\"']?(\w)[)\"']?\.?")
_PART_OF_A_NAME = re.compile(
    r"\b(?:vitamin|hepatitis|plan|type|group|class|grade|blood|team|figure|table|part|appendix|block|station|person"
    r"|student|point|variant|influenza|route|phase|level|unit|exhibit) $",
    re.IGNORECASE,
)
_BEHIND = r"(?=$|[)\]}.,:;!?*\"'—–/&|]|\s+[-—–(\[/&|]|\s+(?:is|was|because|since|as|for|or|and)\b|\s*$)"
_A_WORD = r"[AI\d] (?!(?:is|was|or|and|to|through|as|because|since|for|but|would|seems|fits|matches|describes)\b)[a-z]"
_EXPLAINED = re.compile(
    r"\s*(?:[,;]\s*)?(?:\b(?:because|since|as|due to|which)\b|因为|因為|由于|[(.;:—–]|\s-\s).*", re.IGNORECASE
)
_OR = re.compile(
    r"(?:\bor|或者?)[\s(\[*\"']{0,4}$|\b(?:wait|actually|sorry|correction|hmm|i mean)\b|\bno[,.]", re.IGNORECASE
)
_LIST = re.compile(r"\b[A-J1-9][)\]]?(?:\s?[,/]\s?[(\[]?[A-J1-9][)\]]?){0,9},?\s(?:and|or|nor)\s[(\[]?[A-J1-9]\b")


def choice(text: str, labels: str, options: Sequence[str] = ()) -> str | None:
    """The label the answer's line names, None where it names none or several.

    A text without any mark that opens with a label alone and names none in its last line means that one. Else, tried in
    turn: nothing but a label ("B", "b)"); the text of exactly one option; a label in front, with an
    explanation or its own option's text behind it ("B: ...", "option b", "(B) because A is wrong"); the only label
    anywhere in the line that is not denied ("I would say (B)"). Labels in a list ("A or B", "A, B", "(A)(B)"), and a
    label with another option's text, name none. A capital A or I or a digit with a word behind it ("A person",
    "2 apples") is no label unless something says so.

    Args:
        text: the whole answer.
        labels: the labels in the options' order, one character each: `12345`, `ABCD`.
        options: the options' texts in that order, where known.
    """
    texts = dict(zip(labels, map(_plain, options), strict=False))
    part = answer_part(plain(text))
    if part.mark == "none" and len(part.lines) > 1 and not _any_label(labels).search(part.lines[0]):
        opening = _alone(bare(part.lines[-1]), labels)
        if opening:
            return opening
    line = bare(answer_line(text)[:LONGEST])
    label = _alone(line, labels)
    if label is None and any(len(option) == 1 and option.upper() in labels for option in texts.values()):
        label = _with_a_label_behind(line, texts)
    return label or _by_text(line, texts) or _by_label(line, texts, labels)


def _alone(line: str, labels: str) -> str | None:
    """The label that the line is, apart from signs and "option" before it."""
    for written in (line, _LEAD.sub("", line, count=1)):
        alone = written.strip("()[]{}<>:.,;、*\"' ").upper()
        if len(alone) == 1 and alone in labels:
            return alone
    return None


def _with_a_label_behind(line: str, texts: dict[str, str]) -> str | None:
    """The label in front of its own text, where that is a label too: A of "A) D" if D is what option A says."""
    found = _FRONT.fullmatch(_LEAD.sub("", line, count=1))
    label = found[1].upper() if found else ""
    return label if found and texts.get(label) == _plain(found[2]) else None


def _by_text(line: str, texts: dict[str, str]) -> str | None:
    """The option whose text the line is, apart from "the answer is" before it and an explanation behind it."""
    said = _LEAD.match(line)
    rest = line[said.end() :] if said else line
    for written in (line, rest, _EXPLAINED.sub("", line), _EXPLAINED.sub("", rest)):
        found = [label for label, text in texts.items() if text and text == _plain(written)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _by_label(line: str, texts: dict[str, str], labels: str) -> str | None:
    line = _without_texts(line, texts)
    found = _kept(line, [*_standing_alone(labels).finditer(line)])
    if not found:
        return None
    first = found[0]
    if _LEAD.fullmatch(line, 0, first.start()):
        behind = _plain(re.sub(r"^[)\]}.:,;\s–—-]+", "", line[first.end() :]))
        another = len(behind) > 1 and behind in texts.values()
        return None if another or _is_listed(line, first, labels) else first[0].upper()
    distinct = {one[0].upper() for one in found}
    return distinct.pop() if len(distinct) == 1 else None


def _kept(line: str, found: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    """The labels that are not denied: neither of "not A or B" is left, none of "A, B and C are wrong"."""
    lists = [span.span() for span in _LIST.finditer(line) if denied(line, *span.span())]
    return [
        one
        for one in found
        if not _PART_OF_A_NAME.search(line, max(0, one.start() - 20), one.start())
        and not denied(line, *one.span())
        and not any(start <= one.start() < end for start, end in lists)
    ]


def _is_listed(line: str, first: re.Match[str], labels: str) -> bool:
    """Whether another label is offered beside the first: "A or B", "A (or B)", "(A)(B)"; not "B. A is wrong"."""
    later = _kept(line, [*_any_label(labels).finditer(line, first.end())])
    second = next((one for one in later if one[0].upper() != first[0].upper()), None)
    if second is None:
        return False
    between = line[first.end() : second.start()]
    return _OR.search(between) is not None or are_listed(line, first.end(), second.span())


def _without_texts(line: str, texts: dict[str, str]) -> str:
    """The line with each label bare of its own option's text, and the C of "vitamin C" blotted out."""
    for label, text in texts.items():
        if len(text) < 2 or text.split()[0] not in line.casefold():
            continue
        words = r"\s+".join(map(re.escape, text.split()))
        own = rf"(?<![A-Za-z0-9])({label})([)\]]?)[\s.:,;(\"'–—-]{{1,5}}{words}(?!\w)(?:(\.?)[\"')])?"
        line = re.sub(own, r"\1\2\3", line, flags=re.IGNORECASE)
        line = re.sub(rf"(?<!\w){words}(?!\w)", _blotted, line, flags=re.IGNORECASE)
    return line


def _blotted(found: re.Match[str]) -> str:
    return re.sub(r"\b\w\b", "_", found[0])


@cache
def _any_label(labels: str) -> re.Pattern[str]:
    capital = rf"(?!{_A_WORD})[{labels}](?![A-Za-z0-9_'’]|[.,]\d|:\d)"
    return re.compile(rf"(?<![A-Za-z0-9_'’.])(?:{capital}|[{labels.lower()}](?=$|[)\]}}.,:;/]|\s+(?:or|and)\b|\s*$))")


@cache
def _standing_alone(labels: str) -> re.Pattern[str]:
    said = ("ption ", "hoice ", "nswer ", "etter ", "abel ", "olution ", "nding ", "[项項案]", r"[(\[{]")
    told = f"(?:{'|'.join(f'(?<={word})' for word in said)})"
    capital = rf"(?:{told}|(?!{_A_WORD}))[{labels}](?![A-Za-z0-9_'’]|[.,]\d|:\d)"
    small = rf"(?:{told}(?=[a-z]{_BEHIND})|^(?=[a-z]{_BEHIND}))[{labels.lower()}]"
    return re.compile(rf"(?<![A-Za-z0-9_'’.])(?<!\d:)(?:{capital}|{small})")


def _plain(text: str) -> str:
    return " ".join(text.casefold().strip(" \t\n.\"'*").split())


def _judge(row: Row, texts: Sequence[str], labels: str) -> Verdict:
    options = [str(option) for option in row.get("options") or ()]
    value = choice(given(texts), labels, options)
    return verdict(value is not None and value == str(row["answer"]).strip().upper())


def judge_1_to_2(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if option 1 or 2 is named as in the gold answer; `options` of the row may hold their texts."""
    return _judge(row, texts, "12")


def judge_1_to_4(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from 1 to 4 is the gold one."""
    return _judge(row, texts, "1234")


def judge_1_to_5(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from 1 to 5 is the gold one."""
    return _judge(row, texts, "12345")


def judge_a_to_d(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from A to D is the gold one."""
    return _judge(row, texts, "ABCD")


def judge_a_to_j(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from A to J is the gold one."""
    return _judge(row, texts, "ABCDEFGHIJ")


def judge_own_labels(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option is the gold one; digits or capitals as the gold answer, as many as the row has options."""
    labels = "123456789" if str(row["answer"]).strip().isdigit() else "ABCDEFGHIJ"
    return _judge(row, texts, labels[: len(row.get("options") or labels)])
