"""Your own model by its path alone: what its folder says is taken, and what was typed stays."""

import json

import pytest

from sppl.cli.own_model import check_path, choose_for_path, describe_chosen, without_chosen
from sppl.models.own_folder import read_own_model
from sppl.models.target import TargetModel
from sppl.schemas import UserError


def folder_of(tmp_path, name="my model", config=None, tokenizer=None):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config or {}))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer or {}))
    return folder


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5-7B-Instruct"),
        ("gpt2", "gpt2"),
        ("models/Größe 7", "Gr__e_7"),
        ("models/tiny.gguf", "tiny"),
        ("models/..", "own"),
    ],
)
def test_the_name_is_the_paths_last_part_in_letters_that_name_files(path, name):
    assert read_own_model("name", path) == name


@pytest.mark.parametrize(
    ("config", "dtype"),
    [
        ({"dtype": "bfloat16"}, "bfloat16"),
        ({"torch_dtype": "float16"}, "float16"),
        ({"text_config": {"dtype": "bfloat16"}}, "bfloat16"),
        ({}, "float32"),
        ({"dtype": None}, "float32"),
    ],
)
def test_the_dtype_is_the_checkpoints(tmp_path, config, dtype):
    assert read_own_model("dtype", str(folder_of(tmp_path, config=config))) == dtype


def test_of_a_hub_id_it_is_bfloat16_in_the_chat_template():
    assert [read_own_model(what, "org/none") for what in ("dtype", "template")] == ["bfloat16", "chat"]


def test_a_tokenizer_without_a_chat_template_is_asked_in_the_plain_frame(tmp_path):
    folder = folder_of(tmp_path)
    assert read_own_model("template", str(folder)) == "paper"
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert read_own_model("template", str(folder)) == "chat"


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        (["target_model.path=org/m"], ["target_model=own", "trainer.accelerator=auto", "training=lora"]),
        (["target_model.path=lab"], ["target_model=own", "trainer.accelerator=auto"]),
        (["target_model.path=lab,org/m"], ["target_model=own", "trainer.accelerator=auto", "training=lora"]),
        (["target_model.path=org/m", "trainer=gpu"], ["target_model=own", "training=lora"]),
        (["target_model.path=org/m", "training=full"], ["target_model=own", "trainer.accelerator=auto"]),
        (["target_model.path=org/m", "target_model=smollm2"], []),
        (["target_model.path=org/m", "experiment=real_llm"], []),
        (["n_score=3"], []),
    ],
)
def test_what_was_typed_or_an_experiment_decides_is_left_as_it_is(typed, chosen):
    assert choose_for_path(typed) == chosen


def test_a_message_repeats_what_was_typed_and_what_is_chosen_again_from_it_is_left_out():
    typed = ["n_score=3", "target_model.path=org/m", "seed=1"]
    assert without_chosen([*typed, *choose_for_path(typed)]) == typed
    assert without_chosen(typed) == typed
    by_hand = ["target_model=own", "target_model.path=org/m", "training=lora"]
    assert without_chosen(by_hand) == by_hand
    last = ["target_model.path=org/m", "training=lora"]
    assert without_chosen([*last, *choose_for_path(last)]) == last


def test_of_a_sweep_s_choice_that_one_job_alone_would_not_make_a_message_keeps_the_words():
    chosen = choose_for_path(["target_model.path=lab,org/m"])
    assert without_chosen(["target_model.path=org/m", *chosen]) == ["target_model.path=org/m"]
    assert without_chosen(["target_model.path=lab", *chosen]) == ["target_model.path=lab", *chosen]


def test_a_system_sentence_that_the_chat_template_would_not_show_is_refused():
    with pytest.raises(UserError, match=r"target_model.system='Be brief.'.*target_model.template=paper"):
        TargetModel("m", "lab", system="Be brief.")
    assert TargetModel("m", "lab", system="Be brief.", template="paper").wrapping.system == "Be brief."


def test_a_mistyped_folder_is_refused_with_the_models_beside_it_before_the_hub_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my").mkdir()
    folder_of(tmp_path / "my", "model")
    said = check_path(["target_model.path=my/modle"])
    assert "my/modle: no such folder; did you mean target_model.path=my/model? Models in my: model." in said
    assert check_path(["target_model.path=my/model"]) == ""
    assert check_path(["target_model.path=org/model"]) == ""


def test_of_a_word_that_is_no_folder_it_is_said_that_a_hub_id_is_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "modle is no folder here, so a hub id is meant" in describe_chosen(["target_model.path=modle"], [])
