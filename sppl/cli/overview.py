"""The end of a command: rank and report once, over all its jobs."""

import logging
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from sppl.artifacts.store import Store
from sppl.cli.command_line import command_line
from sppl.cli.jobs import jobs_in, ranked_together, stages
from sppl.cli.ledger import Ledger
from sppl.cli.loggers import open_loggers
from sppl.cli.running import stage_call

log = logging.getLogger(__name__)
RESULTS = ("results", "also_results")
"""Kinds of artifacts that a report's accuracies come from."""


def summarise(started: DictConfig, folder: Path, first: int) -> bool:
    """Runs rank per benchmark and target, and report once, over all jobs of the folder; True if all went well.

    Args:
        started: the configuration of the run or sweep.
        folder: of it.
        first: the number of its first job.
    """
    known = Ledger.at(started.store, started.hydra.runtime.config_sources).components(*command_line())
    jobs = jobs_in(folder, first, known)
    gaps = [job.gap() for job in jobs if job.status != "done"]
    for gap in gaps if jobs[0].folder != folder or jobs[0].status != "failed" else ():  # a run's own was said already
        log.error("%s: %s: %s", gap["status"], gap["job"], gap["error"].partition("\n")[0])
    done = [job for job in jobs if job.status == "done"]
    if not done or not stages(done[0].config, "sweep"):
        return bool(jobs) and not gaps
    config = done[0].config
    store = Store(config["store"], config=config, typed=command_line())
    rankings: list[str] = []
    summary = started.copy()
    summary.run_dir, summary.job_name = str(folder), "report"
    with open_loggers(summary, news=False) as loggers:  # the tables themselves have all that is new
        for arguments in ranked_together(done) if "rank" in config["stage"] else []:
            call = instantiate(arguments, _partial_=True, _convert_="all")
            log.info(call(store=store, dry=True).line("rank"))
            if not config["dry"]:
                plan = call(store=store, loggers=loggers)
                rankings.append([*plan.found, *plan.to_make][-1])
        if "report" in config["stage"] and not config["dry"]:
            made = list(dict.fromkeys(
                name for job in jobs for stage in ("benchmark", "shortlist") for name in job.leaves.get(stage, [])
            ))  # fmt: skip
            results = [name for name in made if name.partition("/")[0] in RESULTS]
            settled = [name for name in made if name.startswith("shortlists/")]
            call = stage_call(config, "report")
            call(store=store, rankings=rankings, results=results, shortlists=settled, gaps=gaps, loggers=loggers)
    return not gaps
