"""The demo for a person: start it, say what to do with it, end it with Ctrl-C."""

import asyncio
import contextlib

from . import DemoError, dashboard, hass
from .demo import PASSWORD, USER, Demo
from .doors import Doors
from .report import Report

GUIDE = """
  Home Assistant     {url}
  user, password     {user}, {password}

  Log in: the dashboard shows the gateway and its devices. "Web server" of nas is shared,
  "SSH" of pi is not. Click the toggles, and call from the internet in another terminal:

    scripts/demo call 8080               the web server, over IPv4
    scripts/demo call 80 -6              the same over IPv6, at the address of nas
    scripts/demo call 2222               SSH of pi: no answer, until you switch it on

  More devices and shares: Settings, Devices & services, Port sharing, Add device. The
  console waits with a game on UDP port 27015 (scripts/demo call 27015 --udp).

    scripts/demo cable wan down          pull the cable to the internet (or lan, nas ...)
    scripts/demo exec gateway nft list table inet portshare
    scripts/demo exec nas bash           be on a device, or on internet or gateway
    scripts/demo phone                   what has arrived on the phone with the app
    scripts/demo phone press ACTION      press a button of a message

  The phone is notify.phone in Home Assistant: choose it as "Change notice" in the options
  of Port sharing, or in an automation.

  Ctrl-C ends it and leaves nothing behind.
"""


async def run(doors: Doors) -> None:
    """Run until cancelled."""
    async with Demo(Report(), doors) as demo:
        print(GUIDE.format(url=demo.url, user=USER, password=PASSWORD), flush=True)
        following = asyncio.create_task(
            dashboard.keep_current(demo.api, USER, PASSWORD)
        )
        try:
            # "Restart" in the user interface is a wish to whoever has started it.
            while (code := await demo.hass.ended()) == hass.RESTART:
                await demo.start_home_assistant()
            raise DemoError(
                f"Home Assistant ended with {code}:\n{demo.hass.last_words()}"
            )
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await following
