"""Programs under watch: what they print as they print it, and an end to those that fall silent."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Program:
    """Code in a Python of its own, which is ended when it prints nothing for `patience` seconds."""

    def __init__(self, code: str, patience: float) -> None:
        self.outcome = "ok"
        self._over = False
        self._patience = patience
        command = [sys.executable, "-X", "faulthandler", "-W", "ignore::DeprecationWarning"]
        self._process = subprocess.Popen(
            [*command, "-c", code],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def tell(self, line: str) -> None:
        """Write a line to it; one that has ended does not read it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def line(self) -> str | None:
        """The next line it prints; None at its end, after which `outcome` says how it ended."""
        if self._over:
            return None
        try:
            line = self._lines.get(timeout=self._patience)
        except queue.Empty:
            self.outcome, self._over = "HANGS", True
            self._kill()
            return None
        if line is None:
            self._over = True
            if (status := self._process.wait()) != 0:
                self.outcome = f"ENDS WITH {status}"
        return line

    def rest(self) -> list[str]:
        """All lines until its end, which comes where it reads nothing more."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        lines = []
        while (line := self.line()) is not None:
            lines.append(line)
        return lines

    def _kill(self) -> None:
        if hasattr(os, "killpg"):
            self._process.send_signal(signal.SIGABRT)  # faulthandler shows every thread
            time.sleep(1)
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
