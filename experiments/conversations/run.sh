#!/bin/bash
# 200 conversations with a calculator, three strategies: from files to scores, training, evaluation and ranking, once
# for the lab's model, to which such turns are new, and once for the same model after it has learnt them.
set -e
python experiments/conversations/make.py
local="benchmark=local benchmark.answer=number benchmark.questions.turns=all target_model=lab"
study="n_predict=40 n_score=200 n_train=200 n_test=40 metric=[sppl,perplexity,length]"
stages="stage=[predict,score,rank,finetune,benchmark,rank,report]"
python run.py $stages $local data_dir=outputs/conversations/data name=conversations \
  target_model.name=lab_tools target_model.path=outputs/conversations/target $study "$@"

python run.py stage=finetune $local data_dir=outputs/conversations/learn store=outputs/conversations/store \
  target_model.name=lab_tools target_model.path=outputs/conversations/target n_train=600 seed=0 training.epochs=4
rm -rf outputs/conversations/learnt
cp -r outputs/conversations/store/adapters/local/lab_tools/all_ways/seed0-*[0-9a-f] outputs/conversations/learnt
python run.py $stages $local data_dir=outputs/conversations/data name=conversations_learnt \
  target_model.name=lab_learnt target_model.path=outputs/conversations/learnt $study "$@"
