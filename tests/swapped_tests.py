"""scikit-learn's own tests, run against the estimators here."""

import subprocess
import sys

# Leaves tests out by patterns of their names; and gives the fixture of scikit-learn's conftest.py.
CONFTEST = """
import re

import pytest

LEFT_OUT = {left_out!r}


def pytest_collection_modifyitems(config, items):
    out = [item for item in items if any(re.search(one, item.name) for one in LEFT_OUT)]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


@pytest.fixture
def global_random_seed():
    return 42
"""


def run(original, line, replacement, folder, left_out, *options):
    """Run a test file with one of its lines replaced, in a process and folder of its own."""
    text = original.read_text(encoding="utf-8")
    assert line in text
    swapped = folder / "test_swapped.py"
    swapped.write_text(text.replace(line, replacement, 1), encoding="utf-8")
    conftest = CONFTEST.format(left_out=list(left_out))
    (folder / "conftest.py").write_text(conftest, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(swapped)]
    command += ["--rootdir", str(folder), "-c", "/dev/null", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
