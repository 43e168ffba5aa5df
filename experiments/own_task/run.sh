#!/bin/bash
# Three files of responses become a ranking, on the lab's target: about 20 seconds on one core.
python run.py 'stage=[predict,score,rank,report]' benchmark=local benchmark.answer=number \
  data_dir=experiments/own_task/data name=own_task n_predict=40 n_score=40 "$@"
