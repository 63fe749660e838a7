"""``python -m dbtools.notebooks FOLDER``: renew the outputs of the notebooks in a folder."""

import sys
from pathlib import Path

from dbtools.errors import DbtoolsError
from dbtools.notebooks import refresh


def main(arguments: list[str]) -> int:
    """Refresh the folders given. Changes files: the notebooks in them."""
    if not arguments:
        sys.stderr.write("usage: python -m dbtools.notebooks FOLDER …\n")
        return 2
    try:
        for folder in arguments:
            for path in refresh(Path(folder)):
                sys.stdout.write(f"{path} changed\n")
    except DbtoolsError as error:
        sys.stderr.write(f"dbtools: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
