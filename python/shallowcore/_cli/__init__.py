"""The command line: `shallowcore` and `python -m shallowcore`.

Exit codes: 0 all right, 1 the work failed or a result is off, 2 a wrong command line, 3 a lecture
row whose data is not on this machine, 130 stopped by Ctrl-C.  Output is plain text without colour,
on any terminal or none; results go to the standard output, everything else to the standard error.

What a command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import shallowcore
from shallowcore._cli import _completion, _table_commands
from shallowcore._cli._messages import (
    FAILED,
    INTERRUPTED,
    NOT_AVAILABLE,
    OK,
    USAGE,
    UsageError,
    note,
)
from shallowcore.bench import short
from shallowcore.bench.workloads import WORKLOADS
from shallowcore.demo import lectures
from shallowcore.demo.digits import run_digits
from shallowcore.demo.digits_picture import problem_with

DEFAULT_PICTURE = "shallowcore-digits.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after the program's name; sys.argv[1:] by default.

    Returns
    -------
    int
        The exit code; argparse itself exits with 2 on a wrong command line.
    """
    for stream in (sys.stdout, sys.stderr):
        # A file name may hold letters that the terminal's encoding has not.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    parser = _build_parser()
    options = parser.parse_args(arguments)
    try:
        code = _run(options, parser)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("\nshallowcore: stopped by Ctrl-C", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Who reads our output has closed it (`shallowcore demo --all | head`): nothing to add,
        # also not by Python when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the command; return the exit code."""
    if options.command == "demo":
        return _demo(options, parser)
    if options.command == "bench":
        return _bench(options, parser)
    if options.command == "completion":
        print(_completion.script(options.shell, parser))
        return OK
    if options.command is None:
        parser.print_help()
        return OK
    return _run_on_tables(options)


def _run_on_tables(options: argparse.Namespace) -> int:
    """Run a command on tables and models, whose failures are told in a line."""
    from shallowcore._cli import _train, _use

    run = {
        "train": _train.run,
        "predict": _use.predict,
        "evaluate": _use.evaluate,
        "info": _use.info,
        "export": _use.export,
    }[options.command]
    try:
        return run(options)
    except UsageError as error:
        note(f"error: {error}")
        return USAGE
    except BrokenPipeError:
        raise
    except (ImportError, MemoryError, OSError, ValueError) as error:
        note(f"error: {error or type(error).__name__}")
        return FAILED


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shallowcore",
        description="Shallow neural networks on a C++ core.",
        epilog="`shallowcore COMMAND --help` tells more about a command.",
    )
    parser.add_argument(
        "--version", action="version", version=f"shallowcore {shallowcore.__version__}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="train on the packaged handwritten digits, or reproduce the lectures' figures",
        description="Without options: trains a classifier on the packaged handwritten digits, "
        "times the same training by NumPy, and writes one picture. Nothing is downloaded.",
    )
    what = demo.add_mutually_exclusive_group()
    what.add_argument(
        "--lecture",
        metavar="ROW",
        help=f"reproduce one row of the lectures: {', '.join(lectures.ROWS)}",
    )
    what.add_argument(
        "--all", action="store_true", help="reproduce all rows; exits with 1 if a figure is off"
    )
    demo.add_argument(
        "--output",
        metavar="FILE",
        help=f"file for the picture of the digits (default: {DEFAULT_PICTURE} in this folder)",
    )
    bench = commands.add_parser(
        "bench",
        help="time training against plain NumPy",
        description="Trains five workloads by shallowcore and by plain NumPy, checks that both "
        "give the same losses and weights, and times them in turns.",
    )
    bench.add_argument(
        "--workload",
        choices=WORKLOADS,
        nargs="+",
        default=list(WORKLOADS),
        help="which of them (default: all)",
    )
    bench.add_argument(
        "--rounds", type=int, default=short.ROUNDS, help=f"turns of each (default: {short.ROUNDS})"
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file")
    _table_commands.add(commands)
    info = commands.add_parser(
        "info",
        help="show a model; or version, instruction set, BLAS, OpenMP and threads",
        description="Shows the architecture, preprocessing and training of a model; without one, "
        "version, instruction set, BLAS, OpenMP and threads.",
    )
    info.add_argument("model", metavar="MODEL", nargs="?", help="a .safetensors file")
    info.add_argument("--json", action="store_true", help="print one JSON object")
    completion = commands.add_parser(
        "completion",
        help="print a script that completes commands and options in a shell",
        description="Prints a script for a shell: source <(shallowcore completion bash), the same "
        "for zsh; shallowcore completion fish | source.",
    )
    completion.add_argument("shell", choices=_completion.SHELLS)
    return parser


def _demo(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if options.output is not None and (options.all or options.lecture is not None):
        parser.error("--output is for the picture of the digits: not with --lecture or --all")
    if options.all or options.lecture is not None:
        if options.all:
            return lectures.show_all()
        row = lectures.ROWS[_find_row(options.lecture, parser)]
        result = lectures.show_row(row)
        return {lectures.OK: OK, lectures.OFF: FAILED, lectures.NOT_AVAILABLE: NOT_AVAILABLE}[
            result
        ]
    picture = Path(DEFAULT_PICTURE if options.output is None else options.output)
    problem = problem_with(picture)
    if problem is not None:
        parser.error(
            f"the picture cannot be written to {picture}: {problem}; choose another place "
            "with --output FILE"
        )
    return run_digits(picture)


def _bench(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    if options.json is not None and not options.json.parent.is_dir():
        parser.error(f"--json: there is no folder {options.json.parent}")
    return short.run(options.workload, options.rounds, options.json)


def _find_row(given: str, parser: argparse.ArgumentParser) -> str:
    """Return the row's name, or exit with the nearest one."""
    if given.upper() in lectures.ROWS:
        return given.upper()
    near = difflib.get_close_matches(given.upper(), lectures.ROWS, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    parser.error(f"unknown lecture row {given!r}{hint} (rows: {', '.join(lectures.ROWS)})")
