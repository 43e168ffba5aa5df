"""The end of a command: runs rank and report once, over all its jobs."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from sppl.analysis.outcomes import UNTRAINED
from sppl.artifacts.store import Store
from sppl.cli.command_line import command_line, job_line
from sppl.cli.jobs import Job, jobs_in, stages
from sppl.cli.ledger import Ledger
from sppl.cli.logger_runs import open_loggers
from sppl.cli.running import stage_call
from sppl.cli.sizes import why_unsettled
from sppl.cli.together import Together, group_jobs, settings_of
from sppl.cli.totals import total_lines
from sppl.commands import command
from sppl.data.files import LocalQuestions
from sppl.metrics.needs import Metric
from sppl.packaged import conf
from sppl.schemas import UserError
from sppl.study.loggers import Loggers
from sppl.study.parts import Part
from sppl.study.picking import show_ranked
from sppl.study.plan import Plan, ranking_of

log = logging.getLogger(__name__)
KINDS = ("rankings", "results", "shortlists")
"""Kinds of artifacts that a part of a report has."""
RESULTS = ("results", "also_results")
"""Kinds of artifacts that a report's accuracies come from."""


def summarise(started: DictConfig, folder: Path, first: int) -> bool:
    """Runs rank per benchmark and target and report once, over all jobs of a folder; returns whether all went well.

    Args:
        started: the configuration of the run or sweep.
        folder: of the run or sweep.
        first: the number of the sweep's first job.
    """
    known = Ledger.at(started.store, started.hydra.runtime.config_sources).components(*command_line())
    jobs = jobs_in(folder, first, known)
    if not jobs:
        log.error("%s was removed; run the same command again, what is done is found", folder)
    gaps = [job.gap() for job in jobs if job.status != "done"]
    for gap in [] if (folder / "job.json").is_file() else gaps:  # a single run has said it
        log.error("%s: %s: %s", gap["status"], gap["job"], gap["error"].partition("\n")[0])
    done = [job for job in jobs if job.status == "done"]
    if not done or not stages(done[0].config, "sweep"):
        _tell_totals(jobs, [])
        return bool(jobs) and not gaps
    config = done[0].config
    store = Store(config["store"], config=config, typed=command_line(), job=job_line(_together(done)))
    summary = started.copy()
    summary.run_dir, summary.job_name = str(folder), "report"
    groups = group_jobs(done)
    together = [one.arguments for one in groups] if "rank" in config["stage"] else []
    news = not config["dry"] and (_made_something(jobs) or any(_has_to_rank(one, store) for one in together))
    with open_loggers(summary, news=news, summary=True) as loggers:
        plans, rankings = _rank(together, store, loggers, dry=config["dry"])
        parts = _parts(groups, rankings, store)
        unsettled = _unsettled(done) if rankings else {}
        if rankings and "report" not in config["stage"]:
            show_ranked(
                name=config["name"], metric=_metrics(done), own_files=config["strategy"].get("folder"),
                parts=parts, store=store,
                references=_references(done), max_tokens=config["training"]["max_tokens"],
                overlong=config["training"]["overlong"], conventions=config["conventions"], unsettled=unsettled,
            )  # fmt: skip
            places = ", ".join(str(store.path(store.open(one))) for one in dict.fromkeys(rankings))
            swept = any(word in ("-m", "--multirun") for word in store.typed)
            page = command(store.typed, "stage=[rank,report]", sweep=swept)
            log.info("rank: the ranking is in %s; as a page and as files: %s", places, page)
        if "report" in config["stage"] and not config["dry"]:
            for gap, job in zip(gaps, (job for job in jobs if job.status != "done"), strict=True):
                gap["settings"] = settings_of(job, groups)
            stage_call(config, "report")(
                store=store,
                metric=_metrics(done),
                rankings=list(dict.fromkeys(name for part in parts for name in part.rankings)),
                results=list(dict.fromkeys(name for part in parts for name in part.results)),
                parts=parts,
                references=_references(done),
                gaps=gaps,
                unsettled=unsettled,
                loggers=loggers,
            )
    _tell_totals(jobs, [{"rank": asdict(plan)} for plan in plans])
    return not gaps


def _rank(
    together: Sequence[Mapping[str, Any]], store: Store, loggers: Loggers, *, dry: bool
) -> tuple[list[Plan], list[str]]:
    """Runs rank once per set of its arguments; returns the plans and, unless it is a dry run, the rankings' names."""
    plans, rankings = list[Plan](), list[str]()
    for number, arguments in enumerate(together):
        own = partial(loggers, "", f"ranking={number}") if len(together) > 1 else loggers
        call = instantiate(arguments, _partial_=True, _convert_="all")
        plans.append(call(store=store, dry=True))
        log.info(plans[-1].line("rank"))
        if not dry:
            rankings.append(ranking_of(call(store=store, loggers=own)))
    return plans, rankings


def _parts(groups: Sequence[Together], rankings: Sequence[str], store: Store) -> list[Part]:
    """The parts of the report: by the settings that tell groups apart, where these make a difference.

    Args:
        rankings: of the groups, in their order; empty where nothing was ranked.
    """
    made = [_made(one, rankings[number : number + 1], store) for number, one in enumerate(groups)]
    parts = dict[tuple[str, ...], Part]()
    for one, own in zip(groups, made, strict=True):
        alike = all(own == other for other, group in zip(made, groups, strict=True) if group.pair == one.pair)
        settings = () if alike else one.settings
        known = parts.get(settings, Part(settings, own_data=_questions(one.jobs[0])))
        lists = zip((known.rankings, known.results, known.shortlists), own, strict=True)
        parts[settings] = replace(
            known, **dict(zip(KINDS, (tuple(dict.fromkeys((*old, *new))) for old, new in lists), strict=True))
        )
    return list(parts.values())


def _made(group: Together, ranking: Sequence[str], store: Store) -> tuple[Sequence[str], list[str], list[str]]:
    """The names of a group's ranking, results and shortlists."""
    stage_names = ("benchmark", "shortlist")
    made = [name for job in group.jobs for stage in stage_names for name in job.artifacts.get(stage, [])]
    names = dict.fromkeys([*made, *(name for job in group.jobs for name in _tested_before(job.config, store))])
    results = [name for name in names if name.partition("/")[0] in RESULTS]
    return ranking, results, [name for name in names if name.startswith("shortlists/")]


def _questions(job: Job) -> object:
    """Where the questions of a job come from."""
    return instantiate((job.config.get("benchmark") or {}).get("questions"), _convert_="all")


def _metrics(jobs: Sequence[Job]) -> dict[str, Metric]:
    """The metrics of all jobs."""
    parts = {key: part for job in reversed(jobs) for key, part in (job.config.get("metric") or {}).items()}
    return instantiate({**jobs[0].config["metric"], **parts}, _convert_="all")


def _references(jobs: Sequence[Job]) -> list[str]:
    """The strategies that are trained and shown, never ranked."""
    recipes = [pair for job in jobs for pair in (job.config.get("strategy") or {}).items()]
    return sorted({name for name, recipe in recipes if isinstance(recipe, Mapping) and recipe.get("ranked") is False})


def _made_something(jobs: Sequence[Job]) -> bool:
    """Whether one of these jobs made something."""
    return any(plan["to_make"] for job in jobs for plan in job.plans.values())


def _has_to_rank(arguments: Mapping[str, Any], store: Store) -> bool:
    call = instantiate(arguments, _partial_=True, _convert_="all")
    return bool(call(store=replace(store, read_only=True), dry=True).to_make)


def _tell_totals(jobs: Sequence[Job], ranked: Sequence[Mapping[str, Any]]) -> None:
    """Says what a dry sweep would make, each artifact counted once."""
    if len(jobs) > 1 and any(job.config.get("dry") for job in jobs):
        for line in total_lines([*(job.plans for job in jobs), *ranked]):
            log.info(line)


def _together(jobs: Sequence[Job]) -> list[str]:
    """The words of one job that has the strategies of all."""
    names = dict.fromkeys(name for job in jobs for name in job.strategies)
    chosen = {"strategy": names, "strategy.only": names}
    first = jobs[0].overrides
    return [
        f"{key}=[{','.join(chosen[key])}]" if (key := word.partition("=")[0]) in chosen and names else word
        for word in first
    ]


def _unsettled(jobs: Sequence[Job]) -> dict[str, str]:
    """The benchmarks of these jobs on which short trainings cannot settle a pick, each with the reason."""
    parts = {str(part["name"]): part for job in jobs if "_target_" in (part := job.config.get("benchmark") or {})}
    return {name: why for name, part in parts.items() if (why := _why_unsettled(part))}


def _why_unsettled(part: Mapping[str, Any]) -> str:
    lacking = f"{part['name']} has no validation questions, on which short trainings would settle it"
    try:
        questions = instantiate(part, _convert_="all").questions
        if isinstance(questions, LocalQuestions):
            return why_unsettled(part, questions)
        return "" if questions.questions("validation", 1) else lacking
    except UserError:
        return lacking


def _tested_before(config: Mapping[str, Any], store: Store) -> list[str]:
    """The results of this very configuration that are in the store, for a job that did not choose `benchmark` itself.

    Where pilots settle, what a full training brought is left to the command that asks for it.
    """
    if {"benchmark", "shortlist"} & set(config["stage"]) or config["records"]:
        return []
    asked = {"stage": {"benchmark": OmegaConf.load(conf() / "stage" / "benchmark.yaml")}}
    whole = OmegaConf.to_container(OmegaConf.merge(OmegaConf.create({**config, "stage": {}}), asked), resolve=True)
    found: list[str] = []
    with suppress(UserError):  # no test questions, no accuracies
        found = list(stage_call(whole, "benchmark")(store=replace(store, read_only=True), dry=True).found)  # type: ignore
    own = [name for name in found if name.startswith(RESULTS)]
    return found if any(name.split("/")[3] != UNTRAINED for name in own) else []
