"""What the self-test sees of the house: events, states, shares, messages."""

from collections.abc import Callable
from operator import itemgetter
import time
from typing import Any

from . import DemoError, calls, portshare
from .api import ApiError, Events, Json, WebSocket, until
from .calls import Answer, Caller
from .checks import Checks, Shared
from .demo import Demo
from .home import WAN
from .report import Report

WEB_NAME = "Web server"
SSH_NAME = "SSH"
PATIENCE = 5.0
"""Seconds until something that must happen is said not to happen."""

GLANCE = 0.02
"""Seconds to wait for an answer, where many calls are made."""


class Household:
    """A person with a browser, who hears every portshare_event."""

    websocket: WebSocket
    events: Events

    def __init__(self, demo: Demo, report: Report, check: Checks) -> None:
        """Look at this demo, and write into this report."""
        self.demo = demo
        self.check = check
        self.step = report.step
        self.heard: list[Json] = []

    async def connect(self) -> None:
        """Listen, from now on; nothing has been heard yet."""
        self.websocket = await self.demo.api.websocket()
        self.events = await self.websocket.events("portshare_event")
        self.heard = []

    async def start_home_assistant(self) -> None:
        """Start it again, and listen anew."""
        await self.demo.start_home_assistant()
        await portshare.wait_until_loaded(self.demo.api, self.demo.entry_id)
        await self.connect()

    async def hears(self, type_: str, within: float = PATIENCE) -> Json:
        """Wait for the next event of a type; those before it are in `heard`, too."""

        def matches(data: Json) -> bool:
            self.heard.append(data)
            return bool(data["type"] == type_)

        try:
            return await self.events.wait_for(matches, within)
        except TimeoutError:
            raise DemoError(f"No {type_} within {within:g} seconds") from None

    async def heard_since(self) -> list[Json]:
        """Everything that was told since this was asked last."""
        # What was told before this answer has come before it.
        await self.websocket.command("get_config")
        heard, self.heard = self.heard + self.events.come(), []
        return heard

    async def entity(self, device: str, key: str, domain: str = "sensor") -> str:
        """The id of an entity of a device, by its translation key."""
        for each in await portshare.entities(self.websocket):
            if (each.device, each.key, each.domain) == (device, key, domain):
                return each.entity_id
        raise DemoError(f"{device} has no {domain} {key}")

    async def state(self, entity_id: str) -> str:
        """The state of an entity."""
        return str((await self.demo.api.get(f"/api/states/{entity_id}"))["state"])

    async def attributes(self, entity_id: str) -> Json:
        """The attributes of an entity."""
        state: Json = await self.demo.api.get(f"/api/states/{entity_id}")
        attributes: Json = state["attributes"]
        return attributes

    async def becomes(self, entity_id: str, state: str) -> None:
        """Wait until an entity has this state."""

        async def has_become() -> bool:
            return await self.state(entity_id) == state

        await until(has_become, PATIENCE, f"{entity_id} is {state}", every=0.01)

    async def service(self, name: str, /, **data: Any) -> Json:
        """Call one of portshare's own services."""
        return await self.websocket.service(portshare.DOMAIN, name, data, response=True)

    async def shares(self) -> dict[str, Json]:
        """The shares by their names."""
        shares: list[Json] = (await self.service("list_shares"))["shares"]
        return {share["name"]: share for share in shares}

    async def share_becomes(
        self, name: str, matches: Callable[[Json], bool], what: str
    ) -> Json:
        """Wait until a share is like this, also while portshare is being reloaded."""

        async def matching() -> Json | None:
            try:
                share = (await self.shares()).get(name)
            except ApiError:
                return None
            return share if share and matches(share) else None

        found: Json = await until(matching, PATIENCE, f"{name} {what}", every=0.01)
        return found

    async def leases(self, device: str) -> list[Json]:
        """What a device has mapped itself, as its sensor says."""
        sensor = await self.entity(device, "independent_mappings")
        leases: list[Json] = (await self.attributes(sensor))["leases"]
        return sorted(leases, key=itemgetter("lease_id"))

    async def has_mapped(self, device: str, *transports: str, by: str = "") -> None:
        """Both sensors come to tell what a device has mapped; one of its shares is on."""
        async with self.step(f"The sensors of the {device}") as line:
            mapped = await self.entity(device, "independent_mappings")
            mappings = await self.entity(device, "mappings")

            async def told() -> bool:
                leases = await self.leases(device)
                asked_by = {each for lease in leases for each in lease["asked_by"]}
                return (
                    sorted(each["protocol"] for each in leases) == sorted(transports)
                    and " and ".join(sorted(asked_by)) == by
                    and await self.state(mapped) == str(len(transports))
                    and await self.state(mappings) == str(len(transports) + 1)
                )

            what = f"{', '.join(transports) or 'nothing'} mapped"
            await until(told, PATIENCE, what, every=0.01)
            line.saw(f"{what} by {by}" if by else what)

    async def turn(self, to: str, shared: Shared, share: str) -> None:
        """Click a switch."""
        switch = await portshare.switch_of(self.websocket, shared.device, share)
        await self.websocket.service("switch", f"turn_{to}", entity_id=switch)

    async def remove_share(self, share: Json) -> None:
        """Remove a share, of which the id is known."""
        data = {"share_id": share["share_id"]}
        await self.websocket.service(portshare.DOMAIN, "remove_share", data)

    async def has_a_reason(self, what: str, service: str, data: Json) -> None:
        """A service call is refused, with more than a word."""
        async with self.step(what) as line:
            try:
                await self.service(service, **data)
            except ApiError as error:
                line.saw(str(error), ok=len(str(error).split()) > 2)
            else:
                line.saw("accepted", ok=False)

    async def message(self, matches: Callable[[Json], bool]) -> Json:
        """Wait for a message on the phone; others before it are passed over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            left = max(0.0, deadline - time.monotonic())
            message = await self.demo.phone.message(left)
            if matches(message):
                return message

    async def page(self, shared: Shared, address: str = WAN.ipv4) -> Answer:
        """Call a web page over IPv4."""
        return await self.check.call(calls.page, address, shared.external_port)

    async def glance(self, shared: Shared) -> Answer:
        """The same, for somebody who does not wait."""
        return await self.check.call(_impatient, WAN.ipv4, shared.external_port)

    async def reached(self, shared: Shared, deadline: float) -> None:
        """Call until a page of the right device arrives."""
        while True:
            answer = await self.glance(shared)
            if is_page_of(answer, shared.device):
                return
            if time.perf_counter() > deadline:
                raise DemoError(f"{shared.device} is not reached: {first_line(answer)}")


def _impatient(caller: Caller, address: str, port: int) -> Answer:
    return calls.page(caller, address, port, patience=GLANCE)


def first_line(answer: Answer) -> str:
    """What a call has brought, in a line."""
    return answer.text.partition("\n")[0]


def is_page_of(answer: Answer, device: str) -> bool:
    """Tell whether it is the web page of this device."""
    return answer.ok and f"the web page of {device}" in answer.text
