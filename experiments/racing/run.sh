#!/bin/sh
# Makes the table again and compares it with expected.csv.
cd "$(dirname "$0")/../.." && PYTHONPATH=. python experiments/racing/simulate.py "$@"
