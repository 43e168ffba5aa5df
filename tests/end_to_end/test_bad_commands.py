"""Command lines that cannot be meant: one clear answer each, exit status 1, no traceback, nothing written."""

import re
import shlex

import pytest

pytestmark = pytest.mark.filterwarnings("default")
OWN = "benchmark=local data_dir=experiments/own_task/data benchmark.answer=number "
BAD = [
    # keys that nothing reads
    ("+lr=1e-4", "nothing reads a setting `lr`; did you mean `training.learning_rate`?"),
    ("+n_tests=5", "nothing reads a setting `n_tests`; did you mean `n_test`"),
    ("++max_costs=1", "did you mean `max_cost`"),
    ("+training.lr=1e-4", "nothing reads `training.lr`; did you mean `training.learning_rate`?"),
    ("'+training={lr: 3}'", "nothing reads `training.lr`"),
    ("+policy.pilots=3", "nothing reads a setting `policy.pilots`"),
    ("+metric.sppl.window=3", "nothing reads `metric.sppl.window`; There are: .*n_examples"),
    ("+strategy.gpt4.temprature=1", "did you mean `strategy.gpt4.temperature`?"),
    ("+teacher.gpt_4o.limits=5", "did you mean `teacher.gpt_4o.limit`?"),
    ("+stage.score.batch_size=2", "nothing reads `stage.score.batch_size`"),
    ("data_dir=mine", "benchmark=lab reads no folder"),
    # keys that are not there
    ("learning_rate=1e-4", "there is no setting `learning_rate`; did you mean `training.learning_rate`?"),
    ("lora=8", "there is no setting `lora`; did you mean `training.lora`?"),
    ("training.lr=1e-4", "did you mean `training.learning_rate`?"),
    ("n_tst=5", "did you mean `n_test`"),
    ("benchmrk=lab", "did you mean `benchmark`?"),
    ("target=lab", "did you mean `target_model`"),
    ("scorer.max_tokns=9", "did you mean `scorer.max_tokens`"),
    ("teacher.gpt_4o.modee=batch", "did you mean `teacher.gpt_4o.mode`"),
    ("'benchmark.sampling={temperatur: 0.7}'", "did you mean `benchmark.sampling.temperature`?"),
    ("'policy={kk: 3}'", "there is no setting `policy.kk`"),
    (OWN + "'benchmark.questions.fields={questoin: task}'", "there is no questoin; there are question, response"),
    (OWN + "benchmark.questions.fields.question=task", "type the whole mapping: '.*fields={question: task}'"),
    ("~n_tests", "there is no setting `n_tests` to take away"),
    ("+n_test=5", "there is a setting `n_test` already; type it without the \\+: n_test=5"),
    # settings of what is not chosen
    ("generator.concurrency=8", "comes with generator=server; this command has generator=local"),
    ("training.lora.rank=4", "comes with training=lora or training=paper; this command has training=full"),
    ("hydra.launcher.partition=x", "comes with hydra/launcher=slurm"),
    ("scorer.server.top=5", "comes with scorer=server; this command has scorer=default"),
    ("strategy.only=[x]", "comes with 'strategy=\\[files\\]'|there is no setting"),
    ("stage.export.shape=alpaca", "stage `export` is not chosen .*benchmark,report,export\\]'"),
    ("metric.grace.subspace=3", "metric `grace` is not chosen"),
    ("strategy.mixture.summary=x", "choose it too: 'strategy=\\[gpt4,claude,rewrite,mixture\\]'"),
    ("logger.wandb.project=x", "choose it too: 'logger=\\[csv,wandb\\]'"),
    ("'teacher=[server]' teacher.gpt_4o.mode=batch", "choose it too: 'teacher=\\[server,gpt_4o\\]'"),
    # names that there are not
    ("target_model=nope", "there is no target_model `nope`.*There are: lab,"),
    ("experiment=pik", "did you mean `pick`?"),
    ("stage=[trian]", "there is no stage `trian`"),
    ("metric=[spl]", "did you mean `sppl`?"),
    ("strategy=[gpt5]", "did you mean `gpt4`?"),
    ("+experiment=picks", "did you mean `pick`?"),
    ("scorer.budget=rce", "is one of fixed, race; did you mean race?"),
    ("benchmark.overlong=skipp", "did you mean skip?"),
    ("benchmark.source=web", "benchmark.source=web: lab can be read from lab"),
    ("benchmark.task=nope", "no such task"),
    (OWN + "benchmark.answer=numbr", "one of choice, number, text, none"),
    # lists and single choices
    ("trainer=[gpu]", "takes one choice, not a list: trainer=gpu"),
    ("target_model=[lab,smollm2]", "python run.py -m target_model=lab,smollm2"),
    ("strategy=gpt4,claude", "'strategy=\\[gpt4,claude\\]'; a sweep makes one job of each"),
    ("seed=0,1", "several values where one is wanted; a sweep .* python run.py -m seed=0,1"),
    ("strategy=[]", "the list `strategy` is empty"),
    ("stage=[]", "the list `stage` is empty"),
    ("benchmark.without=q1", "is a list, 'key=\\[a,b\\]'"),
    ("generator.batch_size=[1]", "is a whole number above 0 or null"),
    ("training.targets=[q_proj]", "there is no setting `training.targets`; did you mean"),
    # values of another kind
    ("seed=a", "`seed` is a whole number"),
    ("seed=-1", "`seed` is a whole number, 0 or above"),
    ("max_cost=lots", "`max_cost` is a number"),
    ("max_cost=-1", "`max_cost` is a number, 0 or above"),
    ("dry=maybe", "`dry` is true or false"),
    ("n_score=abc", "`n_score` is a whole number"),
    ("n_score=1.5", "`n_score` is a whole number"),
    ("n_score=0", "whole number above 0"),
    ("n_predict=-3", "whole number above 0"),
    ("n_train=some", "`n_train` is a whole number above 0 or all"),
    ("n_test=100000", "500"),
    ("training.learning_rate=fast", "`training.learning_rate` is a number"),
    ("training.epochs=0", "`training.epochs` is a whole number above 0"),
    ("training.betas=[2,3]", "a list, .* of 2, each a fraction, from 0 to below 1"),
    ("training=lora training.lora.rank=0", "`training.lora.rank` is a whole number above 0"),
    ("scorer.max_tokens=0", "a whole number above 0 or null"),
    ("trainer.devices=0", "`trainer.devices` is a whole number above 0"),
    ("exports=", "`exports` names a folder; the one you are in is exports=\\."),
    ("target_model.path=docs", "a folder without config.json"),
    ("metric.sppl.n_examples=0", "^[^(]*metric.sppl: self-aligned prompts need n_examples >= 1, got 0"),
    ("metric.sppl.n_examples=two", "is a whole number"),
    ("'training.lora={rank: 8}'", "it comes whole with training=lora"),
    ("benchmark.sampling.temperature=-1", "needs temperature > 0"),
    ("benchmark.sampling.top_p=0.5", "say benchmark.sampling.temperature=0.7 too"),
    ("name=a/b", "cannot name files and folders"),
    ("trainer.devices=two", "take trainer=ddp"),
    # the shell
    ("'strategy=[gpt4,claude'", "\\[ without \\]"),
    ("strategy=[gpt4, claude]", "strategy=\\[gpt4,: this value cannot be read \\(\\[ without \\]\\)"),
    ("policy={k: 3}", "policy={k:: this value cannot be read"),
    ("'name=\"a'", "one \" alone"),
    ("n_score", "n_score: a setting is typed key=value, for example n_score=VALUE"),
    ("strategy gpt4", "strategy: a setting is typed key=value, for example strategy=NAME"),
    ("=5", "typed key=value"),
    # flags
    ("--foo", "--foo: there is no such flag"),
    ("--n_score=5", "a setting has no dashes: n_score=5"),
    ("--dry", "a setting has no dashes: dry"),
    ("--cfg jobs", "choose from 'job', 'hydra', 'all'"),
    # contradictions
    ("experiment=lab experiment=pick", "experiment is chosen twice"),
    ("training=lora training=full", "training is chosen twice"),
    ("scorer.z=2", "this setting is now scorer.error="),
    ("trainer=gpu trainer.device=cpu", "this setting is now trainer.accelerator="),
    ("target_model=lab target_model.system=x", "target_model.system='x'.*target_model.template=paper"),
    ("target_model.path=/nowhere/model", "cannot be loaded from '/nowhere/model'"),
    ("explain=nothing/there", "no artifact of that name"),
    ("compare=[only]", "give the names of two reports"),
    ("compare=[a,b]", "has no report `a`. There are: none"),
    ("-m seed=0,a", "`seed` is a whole number"),
    ("-m strategy=gpt4,gpt5", "there is no strategy `gpt5`; did you mean `gpt4`?"),
]  # fmt: skip


def test_there_are_enough_of_them_and_none_is_there_twice():
    lines = [line for line, _ in BAD]
    assert len(set(lines)) == len(lines) >= 60


@pytest.mark.parametrize(("line", "answer"), BAD, ids=[line.replace(OWN, "own ") for line, _ in BAD])
def test_a_bad_command_line_has_one_clear_answer_and_leaves_the_store_as_it_was(line, answer, run_py, tmp_path):
    done = run_py(*shlex.split(line), store=tmp_path / "empty")
    said = done.out
    assert done.code == 1, said
    assert len(re.findall(answer, " ".join(said.split()))) == 1, said
    assert not re.search("Traceback|HYDRA_FULL_ERROR|hydra.cc", said)
    assert not (tmp_path / "empty").exists()
