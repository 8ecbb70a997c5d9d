"""Cables and addresses of the demo home, changed as in the model."""

import time
from typing import Final

from demo.home import INTERNET, WAN_LINK, Addresses, Home, speak

from .model import DEVICES, NUMBERS, Household

LAN_HOST4: Final = "192.168.178.1"

PATIENCE: Final = 10.0
"""Seconds. The kernel asks three times, a second apart."""


class Wiring:
    """Does to the home's links what has happened; everybody who moves says a word."""

    def __init__(self, home: Home) -> None:
        """Begin with everything as the demo has built it."""
        self._home = home

    def line(self, model: Household, *, plugged: bool) -> None:
        """Pull or plug the cable to the internet."""
        self._home.internet.ip([f"link set line {'up' if plugged else 'down'}"])
        if plugged:
            self._greet_internet(model)

    def cable(self, model: Household, device: str, *, plugged: bool) -> None:
        """Pull or plug a device's cable."""
        port = self._home.devices[device].port
        self._home.gateway.ip([f"link set {port} {'up' if plugged else 'down'}"])
        if plugged:
            self.greet(model, device)

    def move(self, model: Household, device: str, before: str) -> None:
        """Give a device its other IPv4 address."""
        self._wait_for_doubts(model.ipv4(device))
        namespace = self._home.devices[device].namespace
        namespace.ip(
            [
                f"addr del {before}/24 dev eth0",
                f"addr add {model.ipv4(device)}/24 dev eth0",
                f"route replace default via {LAN_HOST4}",
                # It has just come here and knows nobody.
                "neigh flush dev eth0",
            ]
        )
        self.greet(model, device)

    def renumber_wan(self, model: Household, before: tuple[str, str]) -> None:
        """Give the gateway its other addresses; with them its default routes go."""
        ipv4, ipv6 = before
        self._home.gateway.ip(
            [
                f"addr del {ipv4}/24 dev {WAN_LINK}",
                f"addr del {ipv6}/64 dev {WAN_LINK}",
                f"addr add {model.wan_ipv4}/24 dev {WAN_LINK}",
                f"addr add {model.wan_ipv6}/64 dev {WAN_LINK} nodad",
                f"route replace default via {INTERNET.ipv4}",
                f"route replace default via {INTERNET.ipv6}",
            ]
        )
        self._route(model)
        if model.line:
            self._greet_internet(model)

    def renumber_lan(self, model: Household, before: int) -> None:
        """Give the home its other IPv6 prefix."""
        self._home.gateway.ip(
            [
                f"addr del {_router(before)}/64 dev lan0",
                f"addr add {_router(model.prefix)}/64 dev lan0 nodad",
            ]
        )
        self._home.internet.ip([f"route del {_prefix(before)}"])
        self._route(model)
        for device in DEVICES:
            self._home.devices[device].namespace.ip(
                [
                    f"addr del 2001:db8:{before}::{NUMBERS[device]}/64 dev eth0",
                    f"addr add {model.ipv6(device)}/64 dev eth0 nodad",
                    f"route replace default via {_router(model.prefix)}",
                ]
            )
            if device not in model.away:
                self.greet(model, device)

    def greet(self, model: Household, device: str) -> None:
        """A device speaks to the gateway, which then knows its addresses."""
        own = Addresses(model.ipv4(device), model.ipv6(device))
        router = Addresses(LAN_HOST4, _router(model.prefix))
        speak(self._home.devices[device].namespace, own, router)

    def _wait_for_doubts(self, address: str) -> None:
        """Wait while the gateway's kernel asks whether somebody is still there.

        Who comes back in the last moment of that, is heard, but taken for gone. What are
        hours for the household are seconds here, so that would be too often.
        """
        show = ("ip", "neigh", "show", address, "nud", "probe")
        deadline = time.monotonic() + PATIENCE
        while self._home.gateway.run(*show).stdout and time.monotonic() < deadline:
            time.sleep(0.1)

    def _greet_internet(self, model: Household) -> None:
        speak(self._home.gateway, Addresses(model.wan_ipv4, model.wan_ipv6), INTERNET)

    def _route(self, model: Household) -> None:
        route = f"route replace {_prefix(model.prefix)} via {model.wan_ipv6}"
        self._home.internet.ip([route])


def _prefix(number: int) -> str:
    return f"2001:db8:{number}::/64"


def _router(number: int) -> str:
    return f"2001:db8:{number}::1"
