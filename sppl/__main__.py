"""`python -m sppl`, the same as the command `sppl`."""

import sys

from sppl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
