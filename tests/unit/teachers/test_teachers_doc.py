"""What docs/teachers.md says of settings and endings is what there is."""

import re
from dataclasses import fields

from hydra.utils import instantiate
from omegaconf import OmegaConf

from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from sppl.teachers.replies import LIMIT, UNFINISHED


def text(root):
    return (root / "docs" / "teachers.md").read_text()


def test_the_teachers_file_that_is_shown_is_one_and_shows_every_setting_with_its_default(root):
    (block,) = re.findall(r"```yaml\n(.*?)```", text(root), re.DOTALL)
    made, shown = instantiate(OmegaConf.create(block), _convert_="all"), OmegaConf.create(block)
    assert (made.name, made.prices, made.api_key_env) == ("my_teacher", (0.5, 1.5), "MY_KEY")
    assert {str(key) for key in shown} - {"_target_"} == {one.name for one in fields(OpenAITeacher)}
    plain = OpenAITeacher(name="my_teacher", model="some-model", api_key_env="MY_KEY")
    own = {"base_url", "input_price", "output_price", "finished"}
    same = [one.name for one in fields(OpenAITeacher) if one.name not in own]
    assert {name: getattr(made, name) for name in same} == {name: getattr(plain, name) for name in same}
    assert tuple(made.finished) == plain.finished


def test_every_ending_is_in_the_table(root):
    table = text(root).partition("| ends with")[2].partition("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", table))
    assert {*OpenAITeacher.finished, *AnthropicTeacher.finished} <= told
    assert {*LIMIT, *UNFINISHED} - {"max_output_tokens", "safety"} <= told


def test_teachers_that_come_along_say_which_endings_are_finished(root):
    for path in (root / "conf/teacher").glob("*.yaml"):
        shown = OmegaConf.load(path)
        if "finished" in shown:
            kind = {"OpenAITeacher": OpenAITeacher, "AnthropicTeacher": AnthropicTeacher}[shown._target_.split(".")[-1]]
            assert tuple(shown.finished) == kind.finished
        else:
            assert path.stem == "target"
