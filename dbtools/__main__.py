"""``python -m dbtools``: the command line."""

import sys

from dbtools.cli import main

if __name__ == "__main__":
    sys.exit(main())
