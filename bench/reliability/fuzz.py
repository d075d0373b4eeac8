"""Calls the whole public interface with good, bad and hostile arguments, and damaged files.

    python -m bench.reliability.fuzz [--cases N] [--seed S] [--jobs J] [--limit SECONDS]
                                     [--kind KIND ...] [--scenario I]

A case is one call.  It must not crash or hang, must raise only what is documented with a message
that names the argument, must leave the caller's arrays and, where it refuses, the model as they
were, and must return finite results, right ones where the oracle can tell (fuzzing/calls.py).
Scenario I of seed S makes the same few cases wherever it runs; workers of their own run them, so
that a crash is a finding like others.  `--scenario I` runs one here and shows each of its cases.
Exit status 1 if anything was found.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import multiprocessing
import multiprocessing.connection
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from bench.reliability.fuzzing import files, model_calls, ops_calls, other_calls, values
from bench.reliability.fuzzing.calls import Call, Finding, attempt

# Scenarios by kind, with how often each is drawn.
KINDS: dict[str, tuple[Callable[[Random], Iterator[Call]], int]] = {
    "ops": (ops_calls.scenario, 60),
    "models": (model_calls.scenario, 12),
    "objects": (other_calls.scenario, 18),
    "files": (files.scenario, 8),
    "hdf5": (files.hdf5, 1),
    "estimators": (other_calls.estimators, 1),
}
_MEMORY = 4 << 30  # bytes of address space of a worker: absurd sizes fail instead of swapping
_BATCH = 25  # scenarios between reports


@dataclass
class Tally:
    """What some scenarios came to."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[tuple[int, Finding]] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Calls made."""
        return sum(self.outcomes.values())

    def add(self, other: Tally) -> None:
        """Take over another's."""
        self.outcomes += other.outcomes
        self.findings += other.findings


def scenario(seed: int, number: int, kinds: Sequence[str]) -> tuple[str, Iterator[Call]]:
    """Kind and calls of one scenario."""
    rng = Random(f"{seed}-{number}")
    kind = rng.choices(kinds, [KINDS[one][1] for one in kinds])[0]
    return kind, KINDS[kind][0](rng)


def run(seed: int, number: int, kinds: Sequence[str], tally: Tally) -> None:
    """Run one scenario."""
    kind, calls = scenario(seed, number, kinds)
    for call in calls:
        outcome, finding = attempt(call)
        tally.outcomes[kind, outcome] += 1
        if finding is not None:
            tally.findings.append((number, finding))


# --- workers --------------------------------------------------------------------------------------
def work(pipe: Any, current: Any, options: argparse.Namespace, first: int) -> None:
    """Run every `jobs`-th scenario until told to stop."""
    faulthandler.enable()
    limit_memory()
    sys.stdout = io.StringIO()  # what verbose calls print
    number, tally = first, Tally()
    while not pipe.poll():
        for _ in range(_BATCH):
            current.value = number
            faulthandler.dump_traceback_later(options.limit, exit=True)
            run(options.seed, number, options.kind, tally)
            number += options.jobs
        try:
            pipe.send(tally)
        except BrokenPipeError:  # the program was ended
            break
        sys.stdout.truncate(0)
        tally = Tally()
    faulthandler.cancel_dump_traceback_later()
    values.forget_files()
    files.forget_files()
    pipe.close()


def limit_memory() -> None:
    """Keep absurd requests from taking the machine's memory, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


class Worker:
    """A process and the number of the scenario that it is at."""

    def __init__(self, options: argparse.Namespace, first: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.current = context.RawValue("q", first)
        self.process = context.Process(
            target=work, args=(theirs, self.current, options, first), daemon=True
        )
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        """Let it end, whatever it still has to say."""
        self.pipe.send("stop")
        with contextlib.suppress(EOFError, OSError):
            while True:
                self.pipe.recv()
        self.process.join()

    def death(self) -> Finding:
        """Why it is gone."""
        self.process.join()
        code = self.process.exitcode
        kind = "crash" if code is not None and code < 0 else "hang or exit"
        return Finding(kind, f"scenario {self.current.value}", f"exit code {code}")


def run_all(options: argparse.Namespace) -> Tally:
    """Run scenarios in workers until there were enough cases."""
    workers = [Worker(options, i) for i in range(options.jobs)]
    total, shown = Tally(), time.monotonic()
    known: set[tuple[str, ...]] = set()
    while total.cases < options.cases and workers:
        ready = multiprocessing.connection.wait([one.pipe for one in workers], 1.0)
        for i, worker in enumerate(workers):
            if worker.pipe not in ready:
                continue
            try:
                found = worker.pipe.recv()
                tell(found.findings, known, options.seed)
                total.add(found)
            except (EOFError, OSError):
                number = int(worker.current.value)
                total.outcomes["worker", "died"] += 1
                death = (number, worker.death())
                tell([death], known, options.seed)
                total.findings.append(death)
                workers[i] = Worker(options, number + options.jobs)
        if time.monotonic() - shown > 60.0:
            shown = time.monotonic()
            print(f"{total.cases:,} cases, {len(total.findings)} findings", flush=True)
    for worker in workers:
        worker.stop()
    return total


def tell(findings: Sequence[tuple[int, Finding]], known: set[tuple[str, ...]], seed: int) -> None:
    """Print findings of a kind that is new."""
    for number, finding in findings:
        if signature(finding) not in known:
            known.add(signature(finding))
            print(f"--seed {seed} --scenario {number}\n{finding}", flush=True)


# --- reports --------------------------------------------------------------------------------------
def signature(finding: Finding) -> tuple[str, ...]:
    """What findings of one cause have in common."""
    where = re.findall(r"\[([^\[\]]+)\]$", finding.detail)
    text = where[0] if where else re.sub(r"[\d'\"<(\[].*", "", finding.detail)[:60]
    return finding.kind, finding.call.split("(")[0], text


def report(total: Tally, options: argparse.Namespace, seconds: float) -> None:
    """Print the numbers of cases by kind and outcome, and each different finding once."""
    print(f"seed {options.seed}: {total.cases:,} cases in {seconds:.0f} s with {options.jobs}")
    print(f"workers, {total.cases / seconds:.0f} a second")
    for kind in sorted({kind for kind, _ in total.outcomes}):
        counts = {o: n for (k, o), n in total.outcomes.items() if k == kind}
        text = ", ".join(f"{o} {n:,}" for o, n in sorted(counts.items(), key=lambda p: -p[1]))
        print(f"  {kind:<10} {sum(counts.values()):>10,}  {text}")
    different: dict[tuple[str, ...], list[tuple[int, Finding]]] = {}
    for number, finding in total.findings:
        different.setdefault(signature(finding), []).append((number, finding))
    print(f"findings: {len(total.findings)}, of {len(different)} kinds")
    for found in different.values():
        number, finding = min(found, key=lambda one: one[0])
        print(f"\n{len(found)} times, first --seed {options.seed} --scenario {number}\n{finding}")


def show(options: argparse.Namespace) -> int:
    """Run one scenario here, and show each case."""
    limit_memory()
    _, calls = scenario(options.seed, options.scenario, options.kind)
    findings = 0
    for call in calls:
        print(call, flush=True)
        outcome, finding = attempt(call)
        print(f"  -> {outcome}" + ("" if finding is None else f"\n  !! {finding}"), flush=True)
        findings += finding is not None
    values.forget_files()
    files.forget_files()
    return min(1, findings)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of the program."""
    parser = argparse.ArgumentParser(prog="bench.reliability.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds a scenario may take")
    parser.add_argument("--kind", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--scenario", type=int)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    options = parse(arguments)
    if options.scenario is not None:
        return show(options)
    start = time.perf_counter()
    with np.errstate():
        total = run_all(options)
    report(total, options, time.perf_counter() - start)
    return 1 if total.findings else 0


if __name__ == "__main__":
    sys.exit(main())
