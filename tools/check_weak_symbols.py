"""Shows that kernel object files define no weak symbol outside their instruction set's namespace.

A weak symbol (inline function, template instance) that two object files share is kept once by the
linker, possibly in its AVX-512 copy, which kills an older machine that calls it.  So every weak
definition of a kernel object must lie in namespace shallowcore::<isa>, and no symbol of the
standard library may be asked for.

    python tools/check_weak_symbols.py --isa avx2 isa.cpp.o [...]
"""

import argparse
import re
import shutil
import subprocess
import sys

WEAK = frozenset("WVu")
# Mangled names of the C++ standard library: std:: itself and its abbreviations St, Sa, Ss, ...
STANDARD_LIBRARY = re.compile(r"_ZN?K?S[tabsiod]")


def inside_namespace(isa: str) -> re.Pattern[str]:
    """Pattern of mangled names in shallowcore::<isa>: functions, variables, statics, vtables."""
    special = r"(?:T[VIST]|GV|GR|Z)*"
    return re.compile(rf"_Z{special}N[rVK]*11shallowcore{len(isa)}{isa}")


def offences(listing: str, isa: str) -> list[str]:
    """The lines of `nm` output (mangled names) that break the rule, with the reason."""
    inside = inside_namespace(isa)
    found = []
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) < 2:
            continue
        kind, name = fields[-2], fields[-1]
        if kind in WEAK and not inside.match(name):
            found.append(f"weak symbol outside shallowcore::{isa}: {name}")
        elif kind == "U" and STANDARD_LIBRARY.match(name):
            found.append(f"needs the C++ standard library: {name}")
    return found


def demangled(text: str) -> str:
    """The text with C++ names readable where c++filt is at hand."""
    if shutil.which("c++filt") is None:
        return text
    return subprocess.run(
        ["c++filt"], input=text, capture_output=True, text=True, check=True
    ).stdout


def main() -> int:
    """Command line; 0 when every object file keeps the rule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--isa", required=True)
    parser.add_argument("--nm", default="nm")
    parser.add_argument("objects", nargs="+")
    arguments = parser.parse_args()
    failed = False
    for path in [p for group in arguments.objects for p in group.split(";")]:
        run = subprocess.run([arguments.nm, path], capture_output=True, text=True, check=True)
        if not run.stdout.strip():
            print(f"{path}: no symbols at all: not the object file that was meant?")
            failed = True
        for offence in offences(run.stdout, arguments.isa):
            print(demangled(f"{path}: {offence}").strip())
            failed = True
        print(f"checked {path}: {len(run.stdout.splitlines())} symbols")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
