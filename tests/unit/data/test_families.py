"""Whatever the family: what is asked, scored and trained is, token by token, what the template renders.

Expectations come from transformers' own rendering of the whole conversation, and from what is written beside each
template by hand (how a prompt ends, what stands before a response, which token ends it).
"""

from datetime import datetime

import pytest

from sppl.data.tokens import rendering_of
from sppl.models.target import TargetModel
from sppl.prompts import GivenQuestion, SelfAlignedPrompt
from sppl.schemas import Question
from sppl.scoring.pool import Pool
from sppl.scoring.request_builder import RequestBuilder
from sppl.scoring.scoring_settings import Scoring
from sppl.training.batches import Example
from sppl.training.training_examples import encode_examples
from tests.unit.data.families import FAMILIES, tokenizer_of

QUESTION = Question("q", "How many plums are 3 + 4?", "7")
TEXTS = ["7", "3 + 4 = 7.\nFinal Answer: 7", "The plums fall:\n\n- down\n- all of them"]
PROMPT = SelfAlignedPrompt("{question} {examples}", "{answer}")
SPACED = {
    "llama_2",
    "mistral_1",
    "mistral_2",
    "mistral_3",
    "mistral_tekken",
    "gemma",
    "yi",
    "zephyr",
    "vicuna",
    "phi_3",
}
KINDS = [
    *[(name, "byte_level") for name in FAMILIES],
    *[(name, kind) for name in FAMILIES if name in SPACED for kind in ("metaspace", "unigram", "word_pieces")],
]


@pytest.fixture(scope="module")
def target_of(tmp_path_factory):
    """The family's tokenizer as a target model that has nothing else."""
    made = {}

    def make(name: str, kind: str) -> TargetModel:
        if (name, kind) not in made:
            folder = tmp_path_factory.mktemp(name)
            tokenizer_of(FAMILIES[name], kind).save_pretrained(folder)
            made[name, kind] = TargetModel(name, str(folder), template_options=FAMILIES[name].options)
        return made[name, kind]

    return make


class July26(datetime):
    """The day templates that ask are told, for transformers' own clock."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


@pytest.fixture(autouse=True, scope="module")
def fixed_day():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.utils.chat_template_utils.datetime", July26)
        yield


def rendered(target: TargetModel, turns: list[dict], **how) -> list[int]:
    """transformers' own ids of a conversation."""
    return target.tokenizer().apply_chat_template(turns, return_dict=False, **target.template_options, **how)


def whole(target: TargetModel, text: str) -> list[int]:
    return rendered(target, [{"role": "user", "content": QUESTION.prompt}, {"role": "assistant", "content": text}])


def ids_of(target: TargetModel, text: str) -> list[int]:
    return target.tokenizer()(text, add_special_tokens=False)["input_ids"]


def examples_of(target: TargetModel) -> list[Example]:
    return encode_examples(target, [(QUESTION, text) for text in TEXTS], "gpt4")


def test_there_are_30_families_and_four_kinds_of_tokenizer():
    assert len(FAMILIES) >= 30
    assert len(KINDS) >= 60


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_prompt_is_what_the_template_asks_with_and_ends_as_it_should(target_of, name, kind):
    family, target = FAMILIES[name], target_of(name, kind)
    rendering = rendering_of(target.tokenizer(), target.asking)
    prompt = rendering.prompt([{"role": "user", "content": QUESTION.prompt}])
    assert rendering.prompt_text([{"role": "user", "content": QUESTION.prompt}]).endswith(
        family.start.format(q=QUESTION.prompt)
    )
    asked = rendered(target, [{"role": "user", "content": QUESTION.prompt}], add_generation_prompt=True)
    assert (list(prompt) == asked) == family.asks
    assert list(prompt) == whole(target, "7")[: len(prompt)]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_what_is_trained_is_the_rendered_conversation(target_of, name, kind):
    family, target = FAMILIES[name], target_of(name, kind)
    end = target.tokenizer().convert_tokens_to_ids(family.end)
    for text, example in zip(TEXTS, examples_of(target), strict=True):
        ids, theirs = [*example.prompt, *example.response], whole(target, text)
        assert end in ids[-2:]
        if end in theirs[len(example.prompt) :]:
            assert ids == theirs[: len(ids)]
            assert end not in theirs[len(ids) :]
        else:  # the template ends a turn with no token: the tokenizer's own is taught
            assert ids[:-1] == theirs[: len(ids) - 1]
            assert target.tokenizer().decode(theirs[len(ids) - 1 :]).strip() == ""


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_what_is_scored_are_the_responses_tokens_after_all_that_stands_before_them(target_of, name, kind):
    family, target = FAMILIES[name], target_of(name, kind)
    tokenizer, pairs = target.tokenizer(), [(QUESTION, text) for text in TEXTS]
    for end in (False, True):
        asking = RequestBuilder(target, PROMPT, Pool((), (), ""), Scoring(end=end))
        for text, asked, example in zip(
            TEXTS, asking.responses(pairs, GivenQuestion(), steps=False), examples_of(target), strict=True
        ):
            ((_, request),) = asked.requests
            scored, trained = request.prefix + request.response, (*example.prompt, *example.response)
            assert scored == trained[: len(scored)]
            assert (scored == trained) == end
            assert tokenizer.decode(list(request.prefix[len(example.prompt) :])) == (
                "" if family.space else family.lead
            )
            assert tokenizer.decode(list(request.response), skip_special_tokens=True).strip() == text


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_generated_turn_ends_where_the_template_ends_it_and_is_read_as_the_response_it_holds(target_of, name, kind):
    family, target = FAMILIES[name], target_of(name, kind)
    rendering = rendering_of(target.tokenizer(), target.asking)
    end = target.tokenizer().convert_tokens_to_ids(family.end)
    assert rendering.ends == {end}
    for text, example in zip(TEXTS, examples_of(target), strict=True):
        generated = example.response[: example.response.index(end)]
        assert rendering.read(generated) == text


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.trims])
def test_where_the_template_trims_a_response_the_trimmed_one_is_trained(target_of, name):
    target = target_of(name, "byte_level")
    bare, padded = encode_examples(target, [(QUESTION, "7 plums"), (QUESTION, " 7 plums \n")], "gpt4")
    assert bare == padded
    assert [*padded.prompt, *padded.response] == whole(target, " 7 plums \n")[: len(padded)]
