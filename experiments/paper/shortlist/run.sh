#!/bin/sh
# Makes the table again from the records and compares it with expected.csv.
cd "$(dirname "$0")/../../.." && PYTHONPATH=. python experiments/paper/study.py shortlist "$@"
