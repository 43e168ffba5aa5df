import pytest

from sppl.schemas import Question, UserError
from sppl.strategies.messages import WorkedExample, given_response, write_messages
from sppl.strategies.recipe import Recipe
from tests.unit.test_configs import CONF, composed

QUESTION = Question("q", "How many plums?", "4711", "Two and two are 4711.")
EXAMPLES = [WorkedExample("Which?", "This one.")]
ASKING = sorted(
    path.stem for path in CONF.glob("strategy/*.yaml") if "teacher:" in path.read_text() and path.stem != "files"
)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def recipe(name: str) -> Recipe:
    from hydra.utils import instantiate

    return instantiate(composed(f"strategy=[{name}]").strategy[name], _convert_="all")


def content(one: Recipe, sees: str = "answer", question: Question = QUESTION) -> str:
    return write_messages(one, question, sees, EXAMPLES)[-1]["content"]


def test_eight_strategies_ask_a_teacher_and_each_names_one_that_exists():
    teachers = {path.stem for path in CONF.glob("teacher/*.yaml")}
    assert len(ASKING) == 8
    assert {recipe(name).teacher for name in ASKING} <= teachers


@pytest.mark.parametrize("name", ASKING)
def test_every_recipe_shows_the_question_and_no_mark_is_left(name):
    text = content(recipe(name))
    assert QUESTION.prompt in text
    assert not any(mark in text for mark in ("{question}", "{known}", "{examples}", "{solution}", "{answer}"))


@pytest.mark.parametrize(
    ("sees", "answer", "solution"), [("question", False, False), ("answer", True, False), ("solution", True, True)]
)
def test_a_teacher_sees_what_the_benchmark_lets_it_see(sees, answer, solution):
    text = content(recipe("gpt4"), sees)
    assert ("4711" in text, "Two and two" in text) == (answer, solution)


def test_rewriting_shows_the_solution_and_self_generated_answers_see_nothing_whatever_the_benchmark_says():
    assert "Two and two" in content(recipe("rewrite"), "question")
    assert "4711" not in content(recipe("self_generated"), "solution")


def test_examples_are_shown_in_their_order_and_missed_where_there_are_none():
    text = content(recipe("human_examples"))
    assert text.index("Which?") < text.index("This one.") < text.index("How many plums?")
    with pytest.raises(UserError, match=r"examples\.human=FILE"):
        write_messages(recipe("human_examples"), QUESTION, "answer", [])


def test_a_missing_solution_or_wording_is_refused():
    bare = Question("q", "How many?", "1")
    with pytest.raises(UserError, match="question q has none"):
        content(recipe("rewrite"), question=bare)
    with pytest.raises(UserError, match=r"strategy\.code\.request"):
        write_messages(recipe("code"), bare, "answer")
    with pytest.raises(UserError, match="question q has none"):
        given_response(recipe("groundtruth"), bare, "")


def test_data_are_never_read_as_wording():
    trap = Question("q", "{answer} {known} {solution} %s ${x}", "4711", "hidden")
    one = Recipe("r", "", request="Task: {question}\n{known}", sees="question")
    assert write_messages(one, trap, "answer")[0]["content"] == "Task: {answer} {known} {solution} %s ${x}"


def test_a_system_message_comes_first_where_there_is_one():
    made = write_messages(Recipe("r", "", system="Be brief.", request="{question}"), QUESTION, "question")
    assert [(one["role"], one["content"]) for one in made] == [("system", "Be brief."), ("user", "How many plums?")]


def test_the_gold_label_closes_as_an_answer_does():
    assert given_response(recipe("gold_label"), QUESTION, "\n\nFinal Answer: 4711") == "Final Answer: 4711"
    assert given_response(recipe("gold_label"), QUESTION, "") == "4711"
    assert given_response(recipe("groundtruth"), QUESTION, "") == QUESTION.solution
