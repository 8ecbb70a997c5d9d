"""Other ways to open and close one share: programs that others start for each change."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import batched
import json
import subprocess
import time
from typing import Any

from custom_components.portshare.sharing.model import Transport
from demo.home import WAN_LINK, Home

from .flows import PORT

type Times = tuple[list[float], list[float]]
"""How long each opening took, and each closing, in seconds."""

type Element = tuple[str, str, str]
"""An element of ours: the table's family, the set, and the element as JSON."""

COMMANDS = {
    "nft -f": "nft -f -  (the same elements, in nft's language)",
    "nft -j -f": "nft -j -f -  (the same elements, as JSON)",
    "one rule, nft -f": "nft -e -a -f -  (add rule ... dnat to ...; delete rule ... handle ...)",
    "one rule, iptables-nft": "iptables-nft -t nat -A ..., and -D ...",
}

_TABLE = "portshare"

_RULESET = """
    table ip each {
        chain prerouting {
            type nat hook prerouting priority dstnat;
        }
        chain forward {
            type filter hook forward priority filter;
            ct state established,related accept
            ct status dnat accept
        }
    }
"""
# More rules than these nft cannot send at a time, unless it is root of the machine.
_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Program:
    """One of them. Each function changes one share, and returns when that is done."""

    name: str
    open: Callable[[], None]
    close: Callable[[], None]

    def toggle(self, rounds: int) -> Times:
        """Open and close so many times; return how long each took, in seconds."""
        times: Times = [], []
        for _ in range(rounds):
            for change, took in zip((self.open, self.close), times, strict=True):
                began = time.perf_counter()
                change()
                took.append(time.perf_counter() - began)
        return times


def elements() -> set[Element]:
    """The elements of all our sets and maps, without what is counted at them."""
    listed = json.loads(run("nft", "-j", "list", "ruleset"))["nftables"]
    return {
        (each["family"], each["name"], json.dumps(_bare(element)))
        for kind in ("set", "map")
        for thing in listed
        if (each := thing.get(kind)) and each["table"] == _TABLE
        for element in each.get("elem", ())
    }


def with_elements(share: set[Element]) -> list[Program]:
    """The program nft, which changes the very elements that we change."""

    def text(what: str) -> str:
        return "".join(
            f"{what} element {family} {_TABLE} {name} {{ {_spoken(json.loads(one))} }}\n"
            for family, name, one in sorted(share)
        )

    def as_json(what: str) -> str:
        commands = [
            {
                what: {
                    "element": {
                        "family": family,
                        "table": _TABLE,
                        "name": name,
                        "elem": [json.loads(one)],
                    }
                }
            }
            for family, name, one in sorted(share)
        ]
        return json.dumps({"nftables": commands})

    return [
        Program(
            "nft -f",
            lambda: _nft(text("add"), "-f", "-"),
            lambda: _nft(text("delete"), "-f", "-"),
        ),
        Program(
            "nft -j -f",
            lambda: _nft(as_json("add"), "-j", "-f", "-"),
            lambda: _nft(as_json("delete"), "-j", "-f", "-"),
        ),
    ]


def with_rules(home: Home, size: int, first: int) -> Program:
    """A rule for each mapping; so many are there already."""
    address = home.devices["nas"].addresses.ipv4
    load(
        rule(Transport.TCP, port, address, port) for port in range(first, first + size)
    )
    handle = ""

    def add() -> None:
        nonlocal handle
        one = f"add rule ip each prerouting {rule(Transport.TCP, PORT, address, PORT)}"
        told = run("nft", "-e", "-a", "-f", "-", stdin=one)
        handle = told.partition("# handle ")[2].split()[0]

    def delete() -> None:
        _nft(f"delete rule ip each prerouting handle {handle}", "-f", "-")

    return Program("one rule, nft -f", add, delete)


def with_iptables(home: Home, size: int, first: int) -> Program:
    """The same by iptables, which reads the whole table for each change."""
    address = home.devices["nas"].addresses.ipv4

    def one(port: int) -> list[str]:
        return (
            f"PREROUTING -i {WAN_LINK} -p tcp --dport {port}"
            f" -j DNAT --to-destination {address}:{port}"
        ).split()

    for ports in batched(range(first, first + size), _AT_ONCE, strict=False):
        many = "".join(f"-A {' '.join(one(port))}\n" for port in ports)
        run("iptables-nft-restore", "--noflush", stdin=f"*nat\n{many}COMMIT\n")

    def change(how: str) -> None:
        run("iptables-nft", "-t", "nat", how, *one(PORT))

    return Program("one rule, iptables-nft", lambda: change("-A"), lambda: change("-D"))


def load(rules: Iterable[str]) -> None:
    """Have all of these rules; what belongs to established flows is accepted."""
    _nft(_RULESET, "-f", "-")
    for some in batched(rules, _AT_ONCE, strict=False):
        _nft("".join(f"add rule ip each prerouting {one}\n" for one in some), "-f", "-")


def rule(transport: Transport, port: int, address: str, device_port: int) -> str:
    """The rule of one mapping."""
    return (
        f'iifname "{WAN_LINK}" {transport} dport {port} counter'
        f" dnat to {address}:{device_port}"
    )


def _bare(element: Any) -> Any:
    """An element without its counter and comment; one of a map is a key and a value."""
    match element:
        case [key, value]:
            return [_bare(key), value]
        case {"elem": {"val": value}}:
            return value
    return element


def _spoken(element: Any) -> str:
    """An element in nft's language."""
    match element:
        case [key, value]:
            return f"{_spoken(key)} : {_spoken(value)}"
        case {"concat": parts}:
            return " . ".join(map(_spoken, parts))
    return str(element)


def _nft(stdin: str, *options: str) -> None:
    run("nft", *options, stdin=stdin)


def run(*command: str, stdin: str = "") -> str:
    """Run a program, where this thread is; return what it says."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return done.stdout
