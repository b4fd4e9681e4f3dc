"""``python -m iceberg``: hands the arguments to the command line."""

import sys

from iceberg.cli import main

if __name__ == "__main__":
    sys.exit(main())
