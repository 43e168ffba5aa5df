"""API-Bank: the same request, nothing executed."""

import pytest

from sppl.benchmarks.answers.request import judge, request

GOLD = "API-Request: [Weather(city='Rome', day='2034-04-15')]"


@pytest.mark.parametrize(
    "answer",
    [
        GOLD,
        "[Weather(city='Rome', day='2034-04-15')]",
        'API-Request: [Weather(city="Rome", day="2034-04-15")]',
        "api request: [Weather( day='2034-04-15', city='Rome' )]",
        "`API-Request: [Weather(city='Rome', day='2034-04-15')]`",
        GOLD + "\nThis asks for the weather.",
    ],
)
def test_the_same_request_is_right_however_it_is_quoted_and_ordered(answer):
    assert judge({"answer": GOLD}, [f"We need the weather.\n\nFinal Answer: {answer}"]) == {"accuracy": 1.0}
    assert judge({"answer": GOLD}, [answer]) == {"accuracy": 1.0}


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Final Answer:",
        "Final Answer: [Weather(city='rome', day='2034-04-15')]",
        "Final Answer: [Weather(city='Rome')]",
        "Final Answer: [Weather(city='Rome', day='2034-04-15', unit='C')]",
        "Final Answer: [weather(city='Rome', day='2034-04-15')]",
        "Final Answer: I would ask for the weather.",
        "Final Answer: [" + "(" * 5000,
    ],
)
def test_another_request_is_wrong(answer):
    assert judge({"answer": GOLD}, [answer]) == {"accuracy": 0.0}


def test_a_request_that_does_not_parse_is_compared_as_text():
    odd = "API-Request: [Find(name='St. John's  Hospital')]"
    assert judge({"answer": odd}, ["Final Answer: API-Request: [Find(name='St. John's Hospital')]"]) == {
        "accuracy": 1.0
    }
    assert judge({"answer": odd}, ["Final Answer: API-Request: [Find(name='St. Johns Hospital')]"]) == {"accuracy": 0.0}


def test_arguments_are_read_and_never_run():
    assert request("[F(x=__import__('os').getpid())]") == ("F", (("x", "__import__('os').getpid()"),))
