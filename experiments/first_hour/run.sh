#!/bin/bash
# Writes docs/first_hour.md, or the page that is named: a newcomer's commands with what they print. Half a minute on one core.
set -euo pipefail
home=$(cd "$(dirname "$0")/../.." && pwd)
page=$(realpath -m "${1:-$home/docs/first_hour.md}")
place=$(mktemp -d)
trap 'rm -r "$place"' EXIT
cd "$place"
ln -s "$home/run.py" "$home/experiments" .
export PYTHONPATH=$home PYTHONUNBUFFERED=1 COLUMNS=100

show() { # runs a command, and writes it with what it prints: the clock and blanks at the ends of lines are left out
  eval "$1" 2>&1 | sed -E 's/^[0-9]{2}:[0-9]{2}:[0-9]{2} //; s/ +$//' >said || true
  printf '```bash\n%s\n```\n\n```\n%s\n```\n' "$1" "$(cat said)"
}
printed() { grep -E '^  python run.py' said | tail -1 | sed 's/^  //'; } # the command that the last one ended with

python experiments/first_hour/make.py mine >made 2>&1 || { cat made; exit 1; }
{
  cat <<'TEXT'
# The first hour with one's own data and model

A record, written by [experiments/first_hour/run.sh](../experiments/first_hour/run.sh) and compared with what is printed by a
test. `mine/answers` is as folders of answers are: a chat export with system turns and without some gold answers
(`tutor.jsonl`), an array with a duplicate and an empty answer (`equation.json`), a spreadsheet's CSV with semicolons that
ends early (`brief.csv`), byte order marks, two kinds of line ends, every fourth question in Chinese, a file that is none.
`mine/model` is a random model of Qwen2's kind that has no chat template, so what it picks and learns means nothing.
`experiments/first_hour/make.py mine` writes both. The clock before every line of the log is left out.

## 1. Look

TEXT
  show "python run.py check data_dir=mine/answers target_model.path=mine/model"
  printf '\n## 2. Pick: the command that was printed\n\n'
  pick=$(printed)
  show "$pick"
  printf '\n## 3. Export: again the command that was printed\n\n'
  show "$(printed)"
  printf '\n## 4. Train and test on every strategy: the second command without `stage`\n\n'
  show "${pick/ \'stage=\[predict,score,rank,report\]\'/}"
} >"$place/page"
mv "$place/page" "$page"
