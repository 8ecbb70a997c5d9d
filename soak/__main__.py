"""Weeks of a busy household on the demo home, against a model of what must be so.

Hours are simulated: how long it is quiet between two happenings is drawn by chance, and
not waited for. What must take real time is done at a small scale: leases and shares that
close by themselves are open for two to four seconds (by PCP, which grants two minutes at
least, only for a day), and the five-minute rule has three seconds (the expert option). Home
Assistant really restarts, a few times a day, but on the last three days of each week not
at all, so that it can be seen whether it grows.

What is asked by packets: after each happening every external port there ever was and some
others, and all devices over IPv6, from the internet; now and then from home, too. Who is
connected must be cut with the share, and by nothing else. What Home Assistant says of
shares, leases, switches, hosts and the internet must agree. The first difference ends the
run, with what has happened and how to see it again.
"""

import argparse
import asyncio
import random
import sys

from .run import Soak


def main(arguments: list[str] | None = None) -> int:
    """Return 1 if the home was not as the model says."""
    parser = argparse.ArgumentParser(
        "scripts/soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--hours", type=float, default=24, help="of simulated time (24)"
    )
    parser.add_argument("--seed", type=int, help="to live the same life again")
    args = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    return asyncio.run(Soak(args.hours, seed).run())


if __name__ == "__main__":
    sys.exit(main())
