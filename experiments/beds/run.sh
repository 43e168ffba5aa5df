#!/bin/sh
# Prints the table of all four beds; tests/regression/test_published_beds.py compares it with expected.csv.
cd "$(dirname "$0")/../.." && PYTHONPATH=. python run.py experiment=beds "$@"
