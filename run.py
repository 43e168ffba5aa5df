"""The command of a checkout: python run.py --help."""

import sys

from sppl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
