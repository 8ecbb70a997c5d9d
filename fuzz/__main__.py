"""Fuzz all targets, or those that are named. See `scripts/fuzz --help`."""

import argparse
import logging
import random
import sys

from . import http, natpmp, netlink, pcp, services, soap, ssdp, storage, websocket
from .runner import run
from .target import Kind

KINDS = {
    each.KIND.name: each.KIND
    for each in (pcp, natpmp, ssdp, soap, http, netlink, services, websocket, storage)
}


def main(arguments: list[str] | None = None) -> int:
    """Return 1 if something was found."""
    parser = argparse.ArgumentParser("fuzz", description="Fuzz portshare.")
    parser.add_argument("--minutes", type=float, default=5, help="for all together")
    parser.add_argument("--seed", type=int, help="to do the same again")
    parser.add_argument("--count", type=int, help="so many inputs of each, not minutes")
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"of {', '.join(KINDS)}"
    )
    args = parser.parse_args(arguments)
    if unknown := set(args.targets) - KINDS.keys():
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    kinds: list[Kind] = [KINDS[each] for each in args.targets] or [*KINDS.values()]
    seed = random.SystemRandom().randrange(2**32) if args.seed is None else args.seed
    seconds = None if args.count else args.minutes * 60 / len(kinds)
    logging.getLogger().addHandler(logging.NullHandler())
    print(f"seed {seed}")
    found = False
    for kind in kinds:
        report = run(kind, seed, most=args.count, seconds=seconds)
        print(report, flush=True)
        found |= report.found is not None
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
