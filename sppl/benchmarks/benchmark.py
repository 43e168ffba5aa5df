"""What a benchmark is: where its questions and responses come from, and which task judges an answer."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sppl.schemas import QuestionSource, ResponseSource, UserError

TASKS = Path(__file__).parent / "tasks"


@dataclass(frozen=True)
class Benchmark:
    """One task to fine-tune for.

    Args:
        name: the word tables and leaves use.
        questions: where questions come from.
        responses: who answers them by a strategy's recipe.
        task: the lm-eval task that judges an answer: a name in `sppl/benchmarks/tasks`, or the path of a YAML file.
        max_new_tokens: the longest answer the target may give.
        final_line: appended to the target's own correct answers before they serve as examples; `{answer}` becomes the
            gold label. Empty: nothing is appended.
    """

    name: str
    questions: QuestionSource
    responses: ResponseSource
    task: str
    max_new_tokens: int
    final_line: str = ""

    @property
    def task_file(self) -> Path:
        """The YAML of the judging task.

        Raises:
            UserError: there is none.
        """
        path = Path(self.task) if self.task.endswith((".yaml", ".yml")) else TASKS / f"{self.task}.yaml"
        if not path.is_file():
            names = ", ".join(sorted(file.stem for file in TASKS.glob("*.yaml")))
            raise UserError(
                f"benchmark.task={self.task}: no such task. There are {names}, or give the path of a YAML file"
            )
        return path

    @property
    def judge(self) -> str:
        """What the judgement depends on: the task's name and a digest of its file."""
        return f"{self.task_file.stem}-{sha256(self.task_file.read_bytes()).hexdigest()[:8]}"

    def closing(self, answer: str) -> str:
        """The text appended to a correct answer of the target whose gold label is `answer`."""
        before, mark, after = self.final_line.partition("{answer}")
        return f"\n\n{before}{answer if mark else ''}{after}" if self.final_line else ""
