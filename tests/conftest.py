"""Makes `oracle` importable from the tests, wherever pytest is started, and finds the real data."""

import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Keras is the partner that the test extra installs; where PyTorch is, it is one more.
collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_parity_torch*.py"]

# Shells ignore Ctrl-C in what they start in the background; the tests of Ctrl-C need it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of MNIST and the cats; tests on them are skipped where it is not set."""
    folder = os.environ.get("SHALLOWCORE_DATA")
    if not folder:
        pytest.skip("real data: set SHALLOWCORE_DATA to the folder of MNIST and the cats")
    return Path(folder)
