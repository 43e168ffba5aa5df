"""Derived strategies: each question takes the response of another strategy, drawn at random or the best."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sppl.schemas import Question
from sppl.strategies.best import choose_best
from sppl.strategies.mixture import draw_strategy
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    from sppl.study.responses import Responses


def derive(responses: "Responses", missing: Sequence[Question]) -> dict[str, list[str]]:
    """Returns, per missing question, the `response` of another strategy and that strategy's name (`taken_from`)."""
    recipe = responses.recipe
    shares = parts_of(recipe, missing if recipe.best is None else responses.questions)
    parts = {name: replace(part, questions=shares[name]) for name, part in responses.parts().items() if shares[name]}
    examples = {name: part.pairs() for name, part in parts.items()}
    texts = {name: {question.id: text for question, text in pairs} for name, pairs in examples.items()}
    ids = [question.id for question in missing]
    if recipe.best is None:
        names = {id_: draw_strategy(id_, list(recipe.of)) for id_ in ids}
    else:
        inputs = {name: part.sources() for name, part in parts.items()}
        values = recipe.best.values(responses.store, responses.benchmark, examples, inputs)
        right = {name: part.right() for name, part in parts.items()}
        names = choose_best(values, right, ids, only_right=recipe.best.only_right)
    return {
        "response": [texts[names[id_]][id_] for id_ in ids],
        "taken_from": [names[id_] for id_ in ids],
    }


def parts_of(recipe: Recipe, questions: Sequence[Question]) -> dict[str, list[Question]]:
    """Returns, per strategy that a derived one takes responses from, the questions it needs answered."""
    if recipe.best is not None:
        return {name: list(questions) for name in recipe.of}
    names = list(recipe.of)
    return {name: [question for question in questions if draw_strategy(question.id, names) == name] for name in names}
