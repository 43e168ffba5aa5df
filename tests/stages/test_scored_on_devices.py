"""Several devices score what one scores."""

import pytest

pytestmark = pytest.mark.filterwarnings("default")
GIVEN = ["strategy=[gpt4,claude]", "metric=[sppl,perplexity]", "scorer.max_tokens=600"]


@pytest.mark.slow  # half a minute: two processes load everything anew
def test_two_processes_give_the_tables_of_one(stage, made, store):
    for one in (made, store):
        stage("predict", one)
    alone = stage("score", made, *GIVEN)
    both = stage("score", store, *GIVEN, "trainer=ddp", "trainer.accelerator=cpu")
    assert sorted(both.to_make) == sorted([*alone.found, *alone.to_make])
    for name in both.to_make:
        assert made.read(made.open(name)).equals(store.read(store.open(name)))
