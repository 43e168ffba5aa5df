#!/bin/bash
# 200 conversations with a calculator, three strategies: from files to scores, training, evaluation and ranking.
set -e
python experiments/conversations/make.py
python run.py 'stage=[predict,score,rank,finetune,benchmark,rank,report]' benchmark=local benchmark.answer=number \
  benchmark.questions.turns=all data_dir=outputs/conversations/data name=conversations \
  target_model=lab target_model.name=lab_tools target_model.path=outputs/conversations/target \
  n_predict=40 n_score=200 n_train=200 n_test=40 metric=[sppl,perplexity,length] "$@"
