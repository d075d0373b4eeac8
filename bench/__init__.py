"""Benchmarks of a checkout, with shallowcore installed.

`python -m bench` prints the tables: the workloads of `shallowcore.bench` by shallowcore, NumPy and
the rivals that are installed.  `contenders.py` says who they are, `rivals/` has one file for each
library, `worker.py` runs a contender in a process of its own, `checks.py` compares results with the
oracle of the tests before anything is timed, `floors.py` measures what the machine can do,
`latency.py` times single rows and many small trainings, `report.py`, `goals.py` and `plot.py` show
it all.  `sweep.py`, `growth.py`, `plans.py` and `solvers.py` are benchmarks of their own;
`native/` needs no Python.
"""

import sys
from pathlib import Path

# The oracle lives with the tests.
sys.path.append(str(Path(__file__).parents[1] / "tests"))
