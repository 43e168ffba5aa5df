"""`check data_dir=F` reports what a user's own files hold. Nothing is scored, trained or written."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sppl.cli.command_line import WORD, command_line
from sppl.cli.folding import fold, terminal_width
from sppl.commands import command

JUDGED, COUNTED = 2000, 500
"""Responses per strategy that are judged, and whose tokens are counted, from the first."""


def print_check(given: Sequence[str], chosen: Sequence[str] = ()) -> int:
    """Prints what a folder holds by the settings given; returns 0 where a run could go on from there, else 1.

    Args:
        given: what was typed.
        chosen: settings that were chosen for it, which no command need repeat.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from sppl.cli.errors import explain_error
    from sppl.keys import without_keys
    from sppl.schemas import UserError
    from sppl.visible import make_visible

    if odd := [word for word in given if "=" not in word and word != WORD]:
        sys.stderr.write(f"check takes settings (name=value) and looks at one folder; {' '.join(odd)} is none\n")
        return 1
    own = [] if any(word.startswith("benchmark=") for word in given) else ["benchmark=local"]
    try:
        text, fine = _checked([*own, *(word for word in given if word != WORD)], chosen)
    except (UserError, OmegaConfBaseException, HydraException) as error:
        sys.stderr.write(f"{explain_error(error)}\n")
        return 1
    with suppress(BrokenPipeError):
        sys.stdout.write(make_visible(without_keys(text)))
        sys.stdout.flush()
    return int(not fine)


def _checked(words: list[str], chosen: Sequence[str]) -> tuple[str, bool]:
    """Returns the report, and whether a run could go on from these files as they are.

    Raises:
        UserError: the benchmark does not read a user's own files, or there is no folder with data files.
    """
    from hydra.utils import instantiate

    from sppl.benchmarks.definition import NONE
    from sppl.benchmarks.gold_check import find_unmet
    from sppl.cli.app import OWN
    from sppl.cli.check_text import FolderCheck
    from sppl.cli.explaining import compose_settings
    from sppl.cli.settings import as_plain
    from sppl.cli.unknown import check_unused
    from sppl.data.files import format_of
    from sppl.data.folder import gather_folder
    from sppl.schemas import UserError

    cfg = compose_settings([*words, *chosen])
    if refused := check_unused(as_plain(cfg, resolve=False)):
        raise UserError(refused)
    if cfg.benchmark._target_ != OWN:
        raise UserError(f"benchmark={cfg.benchmark.name}: `check` looks at files of your own: benchmark=local")
    questions = instantiate(cfg.benchmark.questions, _convert_="all")
    found = gather_folder(questions.folder, format_of(questions), questions.answer, questions.hub)
    rules: dict[str, Any] = {}
    if questions.answer != NONE and found.responses:
        rules = _by_rule(cfg, questions)
    asked = [one.question for one in found.asked.values() if one.question.answer]
    failed = find_unmet(instantiate(cfg.benchmark, _convert_="all"), asked) if asked else []
    lengths, reads = _tokens(instantiate(cfg.target_model, _convert_="all"), found)
    seen = FolderCheck(
        found, questions.folder, cfg.benchmark.task or questions.answer, rules, lengths, reads, failed, words
    )
    return fold(seen.lines(), terminal_width()) + "\n", seen.goes_on


def _by_rule(cfg: Any, questions: Any) -> dict[str, Any]:
    """Returns the judged responses per answer rule and strategy: by the chosen rule and by its alternatives."""
    from hydra.utils import instantiate

    from sppl.benchmarks.definition import TASKS
    from sppl.benchmarks.gold_check import verdicts_of
    from sppl.benchmarks.rule_doubt import Judged
    from sppl.data.conversations import final_answer
    from sppl.data.files import format_of
    from sppl.data.folder import gather_folder

    chosen = instantiate(cfg.benchmark, _convert_="all").task_file
    others = {kind: TASKS / f"local_{kind}.yaml" for kind in ("number", "choice", "text")}
    rules: dict[str, Any] = {}
    for kind, file in {
        **({} if cfg.benchmark.task else others),
        cfg.benchmark.task or questions.answer: chosen,
    }.items():
        how = questions.answer if kind == cfg.benchmark.task else kind
        found = gather_folder(questions.folder, format_of(questions), how, questions.hub)
        rules[kind] = {}
        for name, texts in sorted(found.responses.items()):
            asked = {id_: found.asked[id_].question for id_ in texts if id_ in found.asked}
            pairs = [(one, final_answer(one, texts[id_])) for id_, one in asked.items() if one.answer][:JUDGED]
            verdicts = verdicts_of(file, *map(list, zip(*pairs, strict=True))) if pairs else []
            rules[kind][name] = [Judged(*pair, right == 1.0) for pair, right in zip(pairs, verdicts, strict=True)]
    return rules


def _tokens(target: Any, found: Any) -> tuple[dict[str, list[int]], str | int | None]:
    """Returns the tokens of each strategy's examples and the target's longest input, or why that is not known."""
    from sppl.models.hub_commit import COMMIT, resolve_commit
    from sppl.models.size import context_of
    from sppl.schemas import UserError
    from sppl.training.training_examples import encode_examples

    if not Path(target.path).exists() and not COMMIT.fullmatch(resolve_commit(target.path, target.revision) or ""):
        return {}, f"{target.path!r} is no folder here, and no hub id that can be reached or was downloaded"
    try:
        lengths = dict[str, list[int]]()
        for name, texts in sorted(found.responses.items()):
            asked = [id_ for id_ in list(texts)[:COUNTED] if id_ in found.asked]
            pairs = [(found.asked[id_].question, texts[id_]) for id_ in asked]
            lengths[name] = [len(one) for one in encode_examples(target, pairs, name)]
        return lengths, context_of(target)
    except (UserError, OSError) as error:
        return {}, " ".join(str(error).split())


def how_to_go_on(ways: Sequence[str]) -> list[str]:
    """Returns the commands to print after data were refused.

    Args:
        ways: the settings with which all of it would be read; none where the files have to be mended.
    """
    from sppl.report.next_step import checking_command

    look = ["What each file holds:", f"  {checking_command(command_line())}"]
    if not ways:
        return ["Mend the files and run the command again. " + look[0], look[1]]
    return [
        f"With {' '.join(ways)} it goes on:",
        f"  {command([word for word in command_line() if word != WORD], *ways)}",
        *look,
    ]
