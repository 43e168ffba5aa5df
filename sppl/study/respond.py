"""Gets the responses of a strategy: from the questions' own solutions, from files, or from a teacher."""

from collections.abc import Sequence

from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.harness import judge
from sppl.schemas import Conversation, PaidSource, Question, UserError
from sppl.strategies.messages import given_response
from sppl.strategies.recipe import Recipe


def respond(benchmark: Benchmark, recipe: Recipe, questions: list[Question]) -> dict[str, list[str]]:
    """Returns one `response` per question; a teacher is asked up to `tries` times while its answer is wrong.

    A right answer of a later try replaces a wrong one; where none is right, the first one stays.

    Raises:
        UserError: conversations are to be answered by someone; only files know how they go on.
    """
    _refuse_conversations(benchmark, recipe, questions)
    if recipe.given:
        return {"response": [given_response(recipe, one, benchmark.closing(one.answer)) for one in questions]}
    source = benchmark.responses
    texts = source.respond(recipe, questions)
    if not isinstance(source, PaidSource) or recipe.tries < 2:
        return {"response": texts}
    right = _right(benchmark, questions, texts)
    for attempt in range(1, recipe.tries):
        wrong = [at for at, verdict in enumerate(right) if not verdict]
        if not wrong:
            break
        again = source.respond_again(recipe, [questions[at] for at in wrong], attempt)
        answered = [at for at in wrong if questions[at].id in again]
        later = [again[questions[at].id] for at in answered]
        verdicts = _right(benchmark, [questions[at] for at in answered], later)
        for at, text, verdict in zip(answered, later, verdicts, strict=True):
            if verdict:
                texts[at], right[at] = text, True
    return {"response": texts}


def _refuse_conversations(benchmark: Benchmark, recipe: Recipe, questions: list[Question]) -> None:
    talks = [question.id for question in questions if isinstance(question, Conversation)]
    if talks and (recipe.given or not benchmark.responses.by_id):
        raise UserError(
            f"{recipe.name} answers questions, and {len(talks)} of {len(questions)} are conversations, such as "
            f"{talks[0]}; give its responses in files, as conversations too (benchmark.respond=source), or leave "
            f"{recipe.name} out of `strategy`"
        )


def _right(benchmark: Benchmark, questions: Sequence[Question], texts: Sequence[str]) -> list[bool]:
    return [verdict == 1.0 for verdict in judge(benchmark.task_file, questions, texts)]
