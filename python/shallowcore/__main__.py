"""`python -m shallowcore`: the command line."""

import sys

from shallowcore._cli import main

if __name__ == "__main__":
    sys.exit(main())
