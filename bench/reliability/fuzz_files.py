"""Damaged files again, guided by the coverage of the readers: atheris on load_model and read_idx.

    pip install atheris
    python -m bench.reliability.fuzz_files {model,description,idx} [-max_total_time=SECONDS] [...]

Further arguments go to libFuzzer.  "model" mutates whole files; "description" mutates the JSON in a
file whose checksum is right, which is where whoever forges one would begin; "idx" mutates MNIST's
format.  The promises are those of fuzz.py; one that does not hold ends the run with its input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["shallowcore"]):
    import shallowcore._describe
    import shallowcore._files
    import shallowcore._persistent_model
    import shallowcore._state
    import shallowcore.datasets._idx

from bench.reliability.fuzz import limit_memory
from bench.reliability.fuzzing import files
from bench.reliability.fuzzing.calls import Call, attempt


def forged(text: bytes) -> bytes:
    """A file with this text as its description, and the checksum that belongs to it."""
    header, data = files.split(files.good_models()[0])
    metadata = header["__metadata__"]
    described = text.decode("utf-8", "replace")
    arrays = files.arrays_of(files.good_models()[0])
    metadata["model"] = described
    metadata["checksum"] = shallowcore._files._checksum("model", described, arrays)
    return files.joined(header, data)


TARGETS: dict[str, Callable[[bytes], Call]] = {
    "model": files.load_model_call,
    "description": lambda text: files.load_model_call(forged(text)),
    "idx": lambda content: files.idx_call(content, (None,)),
}


def seeds(target: str) -> list[bytes]:
    """Good inputs to begin with."""
    if target == "model":
        return [*files.good_models(), *files.foreign()]
    if target == "description":
        headers = (files.split(content)[0] for content in files.good_models())
        return [header["__metadata__"]["model"].encode() for header in headers]
    return [b"\0\0\x08\x01\0\0\0\x03abc"]


def main(arguments: Sequence[str]) -> None:
    """Run libFuzzer on one target."""
    target, *options = arguments
    make = TARGETS[target]
    if type(shallowcore._files.__spec__.loader).__name__ != "AtherisSourceFileLoader":
        raise SystemExit("no coverage: shallowcore has to be installed without --editable")
    limit_memory()

    def check(content: bytes) -> None:
        _, finding = attempt(make(content))
        if finding is not None:
            raise AssertionError(str(finding))

    corpus = files.folder() / "corpus"
    corpus.mkdir()
    for number, content in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(content)
    atheris.Setup([sys.argv[0], "-max_len=20000", *options, str(corpus)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
