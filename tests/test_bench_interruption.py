"""The long programs about interruptions, kills and many models at once, in their shortest form."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("safetensors")
pytest.importorskip("sklearn")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads clocks and figures of Linux")

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("program", "arguments", "printed"),
    [
        ("interruption", "--times 6 --exceptions 4 --only tiny", "exceptions in callbacks    4"),
        ("saving", "--kills 8 --full 2", "killed while saving          8"),
        ("soak", "--minutes 0.01 --processes 1", "failures              0"),
    ],
)
def test_nothing_is_wrong(program: str, arguments: str, printed: str) -> None:
    command = [sys.executable, "-m", f"bench.reliability.{program}", *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert printed in done.stdout
