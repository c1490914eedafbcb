"""`python -m tests.mutants`: whether every mutant is killed."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

from tests.mutants.mutant import load_mutants
from tests.mutants.runner import Result, find_broken, run_all

LAST_LINES = 15


def main() -> int:
    """Run the chosen mutants; return 1 when one survives, does not fit, or has tests that do not run."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="this mutant, or this layer; repeatable")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--unproven", action="store_true", help="do not run the tests without the mutants first")
    options = parser.parse_args()
    mutants = load_mutants()
    if options.only:
        unknown = set(options.only) - {name for one in mutants for name in (one.name, one.layer)}
        if unknown:
            parser.error(f"no mutant and no layer: {', '.join(sorted(unknown))}")
        mutants = [one for one in mutants if one.name in options.only or one.layer in options.only]
    if not options.unproven:
        broken = find_broken(mutants, options.jobs)
        for output in broken:
            write(f"fails without any mutant: {shorten(output)}")
        if broken:
            return 1
    results = run_all(mutants, options.jobs, tell)
    verdicts = Counter(result.verdict for result in results)
    write(", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()))
    return 0 if verdicts.keys() == {"killed"} else 1


def tell(result: Result) -> None:
    """Write one line about a mutant, and more about one that was not killed."""
    mutant = result.mutant
    write(f"{result.verdict:<8} {mutant.layer}/{mutant.name} ({result.seconds:.1f} s) {result.killer}")
    if result.verdict != "killed":
        write(f"  {mutant.why}\n  - {mutant.old}\n  + {mutant.new}\n{shorten(result.output)}")


def shorten(output: str) -> str:
    """Return the end of what pytest wrote."""
    return "\n".join(f"  | {line}" for line in output.splitlines()[-LAST_LINES:])


def write(text: str) -> None:
    """Write to stdout at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
