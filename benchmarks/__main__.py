"""Run all benchmarks, or those that are named. See `scripts/bench --help`."""

import argparse
from datetime import UTC, datetime
import sys
import time

from . import common, heal, idle, independent, lookup, restart, service, shares, toggle
from .report import Section, markdown

BENCHMARKS = {
    "toggle": toggle.run,
    "service": service.run,
    "shares": shares.run,
    "lookup": lookup.run,
    "heal": heal.run,
    "restart": restart.run,
    "idle": idle.run,
    "independent": independent.run,
}


def main() -> int:
    """Print the table; return 1 if a benchmark could not be run."""
    parser = argparse.ArgumentParser("bench", description="Measure, beside others.")
    parser.add_argument("--quick", action="store_true", help="in three minutes")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}"
    )
    args = parser.parse_args()
    if unknown := set(args.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    began = time.monotonic()
    sections: dict[str, Section] = {}
    for name in args.names or BENCHMARKS:
        section = _run(name, quick=args.quick)
        if section:
            sections[name] = section
    took = round(time.monotonic() - began)
    today = datetime.now(UTC).date()
    words = ["scripts/bench", *["--quick"] * args.quick, *args.names]
    print(f"`{' '.join(words)}` on {today}, {took} s: {common.machine()}\n")
    print(markdown(sections))
    return len(sections) < len(args.names or BENCHMARKS)


def _run(name: str, *, quick: bool) -> Section | None:
    """Run one in a process of its own, and say how that went."""
    began = time.monotonic()
    with common.own_process() as process:
        running = process.submit(BENCHMARKS[name], quick=quick)
        error = running.exception()
    how = f"failed: {error!r}" if error else "done"
    took = time.monotonic() - began
    print(f"{name}: {how} after {took:.0f} s", file=sys.stderr, flush=True)
    return None if error else running.result()


if __name__ == "__main__":
    sys.exit(main())
