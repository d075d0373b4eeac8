"""What fit shows of validation, second-order methods and streams; narrow terminals."""

import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from shallowcore import _progress, layers, models, optimizers

RNG = np.random.default_rng(1)
X = RNG.standard_normal((60, 4))
Y = X @ np.ones(4)


def regression(optimizer="sgd"):
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)], dtype="float64", seed=0)
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


@pytest.fixture(autouse=True)
def needs_tqdm():
    pytest.importorskip("tqdm")


def test_the_bar_has_figures_of_validation(capsys):
    regression().fit(X, Y, epochs=3, batch_size=10, validation_split=0.5, verbose=1)
    shown = capsys.readouterr().err
    assert "Epoch 3/3" in shown
    assert "9/9" in shown
    for name in ("loss", "mae", "val_loss", "val_mae"):
        assert f"{name}: " in shown


@pytest.mark.parametrize("verbose", [1, 2])
def test_second_order_methods_show_every_epoch(verbose, capsys):
    history = regression(optimizers.NewtonCG()).fit(X, Y, epochs=9, verbose=verbose)
    shown = "".join(capsys.readouterr())
    assert f"Epoch {len(history.epoch)}/9" in shown
    assert "loss: " in shown
    assert "lr: " not in shown


def test_streams_count_batches_or_epochs(capsys):
    batches = [(X[:30], Y[:30]), (X[30:], Y[30:])]
    regression().fit(batches, epochs=2, verbose=1)
    assert "4/4" in capsys.readouterr().err
    regression().fit((b for b in batches), verbose=1)
    assert "1/1" in capsys.readouterr().err


def test_lines_have_figures_of_validation_from_batches(capsys):
    regression().fit(X, Y, validation_data=[(X, Y)], verbose=2)
    assert "val_loss: " in capsys.readouterr().out


def test_auto_is_lines_on_a_terminal_that_cannot_rewrite_them(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert _progress.resolve_verbose("auto") == 2
    monkeypatch.setenv("TERM", "vt100")
    assert _progress.resolve_verbose("auto") == 1


SCRIPT = """
import numpy as np
from shallowcore import layers, models
x = np.random.default_rng(0).standard_normal((2000, 8))
model = models.Sequential([layers.Input((8,)), layers.Dense(8, "tanh"), layers.Dense(1)], seed=0)
model.compile("sgd", "mse", metrics=["mae"])
model.fit(x, x[:, 0], epochs=200, validation_split=0.5, max_time=1.0)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_narrow_terminals_without_colour_are_never_overrun():
    import fcntl
    import pty
    import struct
    import termios

    width, (master, slave) = 40, pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 20, width, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        stderr=slave,
        stdout=slave,
        env=dict(os.environ) | {"TERM": "vt100", "NO_COLOR": "1"},
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert child.wait() == 0
    lines = re.split(r"[\r\n]+", shown.decode())
    assert any("Epoch" in line for line in lines)
    assert "\x1b[3" not in shown.decode()
    assert max(map(len, lines)) <= width
