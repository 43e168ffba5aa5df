"""The study: SmolLM2 on the lab's words and on ECQA, whose responses are those of seven published strategies.

python experiments/real_llm/study.py --on gpu            both tasks at once, several jobs on the GPU
python experiments/real_llm/study.py --on cpu -- 'strategy=[gpt4,step_by_step,human_examples]' n_train=200 seed=0
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = "outputs/models/smollm2"
DIALECTS = "gpt4,claude,mini_gpt4,step_by_step,human_examples,rewrite,self_generated,code,self_check"
PUBLISHED = "gpt4,claude,mini_gpt4,step_by_step,human_examples,gpt4_examples,rewrite"


def command(task: str, asked: argparse.Namespace) -> list[str]:
    """One sweep: on a GPU a job per strategy and seed, several at once; on a CPU a job per seed, one by one."""
    given = [sys.executable, "run.py", "experiment=real_llm", f"target_model.path={MODEL}", f"trainer={asked.on}"]
    given += [f"name=real_llm_{task}", "logger=[]"]
    strategies = DIALECTS
    if task == "ecqa":
        strategies = PUBLISHED
        given += ["benchmark=ecqa", "benchmark.source=upstream", f"data_dir={os.environ['SPPL_UPSTREAM']}"]
        given += ["n_train=200", "n_predict=200", "n_test=200", "benchmark.max_new_tokens=300"]
    if asked.on == "gpu":
        given += ["-m", "hydra/launcher=joblib", f"hydra.launcher.per_gpu={asked.per_gpu}", f"strategy={strategies}"]
    else:
        given.append(f"strategy=[{strategies}]")
    instead = {word.partition("=")[0] for word in asked.given}
    return [*(word for word in given if word.partition("=")[0] not in instead), *asked.given]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", choices=["cpu", "gpu"], required=True)
    parser.add_argument("--per-gpu", type=int, default=4)
    parser.add_argument("--tasks", nargs="+", choices=["words", "ecqa"], default=["words", "ecqa"])
    parser.add_argument("given", nargs="*", help="arguments of run.py, in the place of the study's own")
    asked = parser.parse_args()
    if "ecqa" in asked.tasks and not os.environ.get("SPPL_UPSTREAM"):
        print("SPPL_UPSTREAM names no checkout of the published records: without ECQA")
        asked.tasks.remove("ecqa")
    processes = [subprocess.Popen(command(task, asked), cwd=ROOT) for task in asked.tasks]
    return max((one.wait() for one in processes), default=0)


if __name__ == "__main__":
    sys.exit(main())
