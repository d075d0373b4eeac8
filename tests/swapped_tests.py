"""scikit-learn's own tests, run against the estimators here."""

import subprocess
import sys

# What scikit-learn's conftest.py gives its tests, and these do not see.
FIXTURE = "\n\n@pytest.fixture\ndef global_random_seed():\n    return 42\n"


def run(original, line, replacement, folder, *options):
    """Run a test file with one of its lines replaced, in a process and folder of its own."""
    text = original.read_text(encoding="utf-8")
    assert line in text
    swapped = folder / "test_swapped.py"
    fixture = FIXTURE if "global_random_seed" in text else ""
    swapped.write_text(text.replace(line, replacement) + fixture, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(swapped)]
    command += ["--rootdir", str(folder), "-c", "/dev/null", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
