"""Benchmarks: `python -m bench` in a checkout, with shallowcore installed, prints the table.

One file per workload (network, data, settings, a plain NumPy script of the same training);
`workload.py` says what a workload is, `plain_numpy.py` holds what the scripts share, `worker.py`
runs one contender in a process of its own, `checks.py` compares results with the oracle of the
tests before anything is timed, `report.py` prints.  `native/` needs no Python.
"""

import sys
from pathlib import Path

# The oracle lives with the tests.
sys.path.append(str(Path(__file__).parents[1] / "tests"))
