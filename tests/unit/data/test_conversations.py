"""Conversations of own files: what is read of them, what is the response, and which are refused, by file and line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.data.conversations import (
    BadTurns,
    answer_turns,
    final_answer,
    read_conversation,
    split_response,
    turns_before,
    write_turns,
)
from sppl.data.exports import write_rows
from sppl.data.files import LocalQuestions, LocalResponses, strategies_in
from sppl.schemas import Conversation, UserError

SYSTEM = {"role": "system", "content": "Be brief."}
ASK, REPLY = {"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2"}
MORE, LAST = {"role": "user", "content": "and 3?"}, {"role": "assistant", "content": "5"}
CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"id": "a", "type": "function", "function": {"name": "calculator", "arguments": {"task": "1 + 1"}}}]}  # fmt: skip
RESULT = {"role": "tool", "content": "2", "tool_call_id": "a"}


def written(folder, *turns, name="x", gold="5", **more):
    row = {"messages": list(turns), "gold_label": gold, **more}
    with (folder / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    return str(folder)


def read(place, turns, name="x", **settings):
    asked = LocalQuestions(place, turns=turns, **settings).questions("train")
    told = LocalResponses(place, turns=turns, **settings).respond(strategies_in(folder=place)[name], asked)
    return asked, told


def refused(place, turns="all"):
    with pytest.raises(UserError) as caught:
        LocalQuestions(place, turns=turns).questions("train")
    return str(caught.value)


def test_last_takes_the_last_answer_after_all_turns_before_it(tmp_path):
    (question,), (response,) = read(written(tmp_path, SYSTEM, ASK, REPLY, MORE, LAST), "last")
    assert isinstance(question, Conversation)
    assert (question.prompt, response, list(question.turns)) == ("and 3?", "5", [SYSTEM, ASK, REPLY, MORE])


def test_all_takes_everything_from_the_assistants_first_turn_on(tmp_path):
    (question,), (response,) = read(written(tmp_path, SYSTEM, ASK, CALL, RESULT, LAST), "all")
    assert isinstance(question, Conversation)
    assert (question.prompt, list(question.turns)) == ("1 + 1?", [SYSTEM, ASK])
    assert answer_turns(question, response) == [CALL, RESULT, LAST]
    assert final_answer(question, response) == "5"


def test_strategies_meet_on_the_whole_history(tmp_path):
    for name, answer in (("x", "5"), ("y", "five")):
        written(tmp_path, ASK, REPLY, MORE, {"role": "assistant", "content": answer}, name=name)
        written(tmp_path, ASK, {"role": "assistant", "content": "two"}, MORE, LAST, name=name)
    asked, told = read(str(tmp_path), "last", "y")
    assert [question.turns[1]["content"] for question in asked if isinstance(question, Conversation)] == ["2", "two"]
    assert told == ["five", "5"]


def test_of_one_question_and_one_answer_the_choice_last_makes_what_it_always_was(tmp_path):
    place = written(tmp_path, ASK, REPLY)
    assert read(place, "last") == read(place, "refuse")


def test_a_system_turn_is_a_turn_unless_a_setting_moves_it(tmp_path):
    place = written(tmp_path, ASK, REPLY, MORE, LAST, system="Be brief.")
    turns = {}
    for how in ("refuse", "drop", "prepend"):
        (question,), _ = read(place, "last", system=how)
        turns[how] = [turn["content"] for turn in turns_before(question)]
    assert turns == {
        "refuse": ["Be brief.", "1 + 1?", "2", "and 3?"],
        "drop": ["1 + 1?", "2", "and 3?"],
        "prepend": ["Be brief.\n\n1 + 1?", "2", "and 3?"],
    }


def test_alpacas_history_becomes_turns(tmp_path):
    row = {"instruction": "and 3?", "output": "5", "history": [["1 + 1?", "2"]], "gold_label": "5"}
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    (question,), told = read(str(tmp_path), "last")
    assert (turns_before(question), told) == ([ASK, REPLY, MORE], ["5"])


def test_turns_of_prompt_and_completion_are_one_conversation(tmp_path):
    row = {"prompt": [SYSTEM, ASK], "completion": [CALL, RESULT, LAST], "gold_label": "5"}
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    (question,), (response,) = read(str(tmp_path), "all")
    assert [*turns_before(question), *answer_turns(question, response)] == [SYSTEM, ASK, CALL, RESULT, LAST]


def test_a_test_question_may_wait_for_the_answer_after_a_tools_result(tmp_path):
    place = written(tmp_path, ASK, CALL, RESULT, name="test")
    (question,) = LocalQuestions(place, turns="all").questions("test")
    assert turns_before(question) == [ASK, CALL, RESULT]


BAD = {
    "the conversation ends with the user": [ASK, REPLY, MORE],
    "turn 3: the assistant speaks twice in a row": [ASK, REPLY, LAST],
    "turn 2: the user speaks twice in a row": [ASK, MORE, REPLY],
    "turn 2, `content`: the assistant says nothing": [ASK, {"role": "assistant", "content": " "}],
    "turn 2: the result of a tool that was not called": [ASK, RESULT, LAST],
    "turn 4: the result of a tool that was not called": [ASK, CALL, RESULT, RESULT, LAST],
    "turn 3: the assistant speaks, and of 1 calls of tools before it 0": [ASK, CALL, LAST],
    "turn 3: the result of the call 'b', and the calls before it are a": [ASK, CALL, RESULT | {"tool_call_id": "b"}],
    "turn 4: the user speaks where the assistant has not answered": [ASK, CALL, RESULT, MORE, LAST],
    "turn 2: a system turn stands first": [ASK, SYSTEM, REPLY],
    "turn 1: the assistant speaks before the user": [REPLY, ASK, LAST],
    "turn 2: `role` is user, assistant, system or tool, not 'critic'": [ASK, {"role": "critic", "content": "no"}],
    "turn 2, `tool_calls`: the arguments of f are no JSON object": [
        ASK, {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "1 +"}}]}],
    "turn 2, `tool_calls`: a call is {function": [ASK, {"role": "assistant", "tool_calls": [{"function": {}}]}],
    "turn 1, `tool_calls`: only the assistant calls tools": [ASK | {"tool_calls": CALL["tool_calls"]}, REPLY],
    "a list of turns is wanted": [],
}  # fmt: skip


@pytest.mark.parametrize("said", BAD)
def test_what_is_no_conversation_is_refused_by_file_line_and_turn(said, tmp_path):
    written(tmp_path, ASK, REPLY)
    told = refused(written(tmp_path, *BAD[said], gold="6"))
    assert "x.jsonl, line 2, field `" in told
    assert said in told


def test_a_last_turn_that_calls_a_tool_is_no_text(tmp_path):
    assert "benchmark.questions.turns=all takes calls too" in refused(written(tmp_path, ASK, CALL), "last")


def test_without_the_choice_several_turns_are_refused_and_the_choice_is_named(tmp_path):
    assert "benchmark.questions.turns=all or turns=last" in refused(written(tmp_path, ASK, REPLY, MORE, LAST), "refuse")


def test_arguments_of_calls_may_be_written_as_json(tmp_path):
    call = {
        "role": "assistant",
        "tool_calls": [{"id": "a", "function": {"name": "calculator", "arguments": '{"task": "1 + 1"}'}}],
    }
    assert read_conversation([ASK, call, RESULT, LAST], "role", "content")[0] == [ASK, CALL, RESULT, LAST]


def test_an_export_keeps_the_roles(tmp_path):
    ((question,), (response,)) = read(written(tmp_path, SYSTEM, ASK, CALL, RESULT, LAST), "all")
    assert json.loads(write_rows("messages", [(question, response)]))["messages"] == [SYSTEM, ASK, CALL, RESULT, LAST]
    row = json.loads(write_rows("prompt_completion", [(question, response)]))
    assert (row["prompt"], row["completion"]) == ([SYSTEM, ASK], [CALL, RESULT, LAST])
    with pytest.raises(UserError, match=r"stage\.export\.shape=messages"):
        write_rows("alpaca", [(question, response)])


TURN = st.sampled_from([SYSTEM, ASK, REPLY, MORE, LAST, CALL, RESULT])


@given(st.lists(TURN, max_size=8), st.sampled_from(["last", "all"]))
def test_whatever_is_read_is_parted_without_loss(turns, taken):
    try:
        found, unread = read_conversation(turns, "role", "content")
        earlier, answer = split_response(found, taken)
    except BadTurns:
        return
    assert [*earlier, *answer] == turns
    assert not unread
    assert all(turn["role"] != "assistant" for turn in earlier) or taken == "last" or not answer
    assert json.loads(write_turns(answer)) == answer
