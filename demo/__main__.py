"""The command line of `scripts/demo`."""

import argparse
import asyncio
from collections.abc import Coroutine
import ipaddress
import os
import shutil
import signal
import sys
from typing import Any

from . import PREFIX, DemoError
from .doors import PORT, Doors, become_root_of_own, enter_running, may_make_namespaces
from .home import DEVICES, WAN, Home
from .netns import NetnsError

INTERRUPTED = 128 + signal.SIGINT

EPILOG = "Without a command: the demo itself, until Ctrl-C."


def main() -> int:
    """Do what was asked; return the exit code."""
    arguments = _parser().parse_args()
    for tool, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(tool) is None:
            return _complain(f"{tool} is missing: apt-get install {package}")
    try:
        match arguments.command:
            case "call":
                return _call(arguments)
            case "cable":
                return _cable(arguments)
            case "exec":
                return _exec(arguments)
            case "phone":
                return _phone(arguments)
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (DemoError, NetnsError) as error:
        return _complain(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description=__doc__, epilog=EPILOG
    )
    parser.add_argument(
        "--port", type=_port, help=f"of this host for Home Assistant ({PORT})"
    )
    parser.add_argument("--doors", help=argparse.SUPPRESS)
    parser.add_argument(
        "--selftest", action="store_true", help="try everything without a person"
    )
    parser.add_argument(
        "--kills",
        type=int,
        default=5,
        metavar="N",
        help="of Home Assistant in the self-test (5)",
    )
    parser.add_argument(
        "--seed", type=int, help="kill at the moments of an earlier self-test"
    )
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    call = commands.add_parser("call", help="call a share from the internet")
    call.add_argument("port", type=_port, metavar="PORT")
    call.add_argument("--udp", action="store_true", help="send a datagram")
    call.add_argument(
        "-6", dest="ipv6", action="store_true", help="call a device's IPv6 address"
    )
    call.add_argument(
        "--to", choices=DEVICES, default="nas", help="with -6: which device (nas)"
    )
    call.add_argument(
        "--from",
        dest="source",
        type=_place,
        default="internet",
        metavar="PLACE",
        help="internet, gateway, a device, or an address of the internet's",
    )

    cable = commands.add_parser("cable", help="pull a cable or plug it in")
    cable.add_argument("which", choices=("wan", "lan", *DEVICES))
    cable.add_argument("state", choices=("up", "down"))

    phone = commands.add_parser("phone", help="see what has arrived on the phone")
    on_phone = phone.add_subparsers(dest="on_phone", metavar="COMMAND")
    press = on_phone.add_parser("press", help="press a button of a message")
    press.add_argument("action", metavar="ACTION", help="what stands beside the button")

    exec_ = commands.add_parser("exec", help="run a command somewhere in the demo")
    exec_.add_argument("place", choices=("internet", "gateway", *DEVICES))
    exec_.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD")
    return parser


def _port(text: str) -> int:
    """A port number."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 1 to 65535")
    return int(text)


def _place(text: str) -> str:
    """The name of a namespace, or an address."""
    if text not in {"internet", "gateway", *DEVICES}:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text} is neither internet, gateway, a device nor an address"
            ) from None
    return text


def _complain(sentence: str) -> int:
    print(f"demo: {sentence}", file=sys.stderr)
    return 1


def _running_home() -> Home:
    """The home of the demo that runs in another terminal, in its namespaces."""
    enter_running([sys.executable, "-m", "demo", *sys.argv[1:]])
    home = Home(PREFIX)
    if not all(namespace.exists() for namespace in home.namespaces.values()):
        raise DemoError("No demo is running. Start it in another terminal.")
    return home


def _call(arguments: argparse.Namespace) -> int:
    """Call, and print what came back."""
    from . import calls  # noqa: PLC0415

    home = _running_home()
    if arguments.source in home.namespaces:
        caller = calls.Caller(home.namespaces[arguments.source])
    else:
        caller = calls.Caller(home.internet, arguments.source)
        if (":" in arguments.source) is not arguments.ipv6:
            raise DemoError(f"From {arguments.source} only its own family is called")
    to = home.devices[arguments.to].addresses if arguments.ipv6 else WAN
    address = to.ipv6 if arguments.ipv6 else to.ipv4
    call = calls.udp if arguments.udp else calls.tcp
    answer = call(caller, address, arguments.port)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `call 8080 | head -1`
    print(answer)
    return 0 if answer.ok else 1


def _cable(arguments: argparse.Namespace) -> int:
    plugged = arguments.state == "up"
    _running_home().cable(arguments.which, plugged=plugged)
    print(f"The {arguments.which} cable is {'plugged in' if plugged else 'pulled'}.")
    return 0


def _exec(arguments: argparse.Namespace) -> int:
    """Become the command."""
    namespace = _running_home().namespaces[arguments.place]
    command = namespace.command(*(arguments.words or ["bash"]))
    os.execvp(command[0], command)


def _phone(arguments: argparse.Namespace) -> int:
    """Show the phone, or press one of its buttons."""
    from . import phone  # noqa: PLC0415

    gateway = _running_home().gateway
    if arguments.on_phone == "press":
        print(phone.press(gateway, arguments.action))
    else:
        print(phone.show(gateway))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    """The demo itself, or its self-test."""
    from . import foreground, selftest  # noqa: PLC0415

    doors = _open_doors(arguments)
    if arguments.selftest:
        test = selftest.run(doors, arguments.kills, arguments.seed)
        code = asyncio.run(_until_told(test))
        return INTERRUPTED if code is None else code
    asyncio.run(_until_told(foreground.run(doors)))
    return 0


def _open_doors(arguments: argparse.Namespace) -> Doors:
    """Open them here, and begin anew in namespaces of its own if need be."""
    if arguments.doors:
        return Doors.inherited(arguments.doors)
    doors = Doors.open(arguments.port)
    if not may_make_namespaces():
        again = [sys.executable, "-m", "demo", *sys.argv[1:], "--doors", doors.numbers]
        become_root_of_own(again)
    return doors


async def _until_told[T](work: Coroutine[Any, Any, T]) -> T | None:
    """Do it until it ends, or until somebody ends it: then None, having cleaned up."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Once: a second Ctrl-C must not keep it from cleaning up.
        loop.add_signal_handler(told, lambda: task.cancelling() or task.cancel())
    try:
        return await task
    except asyncio.CancelledError:
        return None


if __name__ == "__main__":
    sys.exit(main())
