"""SOAP calls, below HTTP: what a client posts, read and done by the gateways."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
import re
from typing import Final, override
from uuid import UUID
import xml.etree.ElementTree as ET

from custom_components.portshare.independent import soap
from custom_components.portshare.independent.descriptions import gateways
from custom_components.portshare.independent.igd import Igd
from custom_components.portshare.independent.port_control import LeaseRefused, changed
from custom_components.portshare.independent.services import Service
from custom_components.portshare.independent.soap import UpnpError

from .clock import JumpingLoop
from .household import EVERYBODY, Household
from .mutation import NUMBERS, TEXTS, Mutator, corpus
from .target import Kind, Target, require

GATEWAYS: Final = gateways(UUID(int=1))
SERVICES: Final = tuple(
    (gateway, service)
    for gateway in GATEWAYS
    for device in gateway
    for service in device.services
)

# An answer is to who has shaken hands, so it can be sent to nobody else. The longest is a
# listing of as many mappings as a device may have, each with a description of 1,024
# characters of which each may take five to be written; of all others each value is short.
LONGEST_LISTING: Final = 8 * (5 * 1_024 + 1_024) + 1_024
_LONGEST_ANSWER: Final = 5 * 1_024 + 2_048

_STEPS_PER_LIFE: Final = 100
_HOSTS: Final = tuple(str(each) for each in EVERYBODY)


class Soap(Target):
    """Calls of devices with permission, and of others."""

    round = 20_000

    def __init__(self, random: Random, mutator: Mutator) -> None:
        """Open the household."""
        super().__init__(random, mutator)
        self.household = Household(random)
        self._igd = Igd(self.household.broker)
        self._steps = 0

    @override
    async def step(self) -> None:
        gateway, service = self.random.choice(SERVICES)
        client = await self.household.client_at(self.random.choice(EVERYBODY))
        if self.random.random() < 0.5:
            action, body = generate(self.random, service)
        else:
            body = self.mutator.bytes()
            action = _action_in(body) or "AddPortMapping"
        self.note((gateway.version, service.service_id, client, action, body))
        try:
            call = soap.parse(body, f'"{service.type}#{action}"')
            if client is not None:
                measured = await self.household.measure(client.device)
                household = self.household
                reply = self._igd.act(
                    gateway,
                    service,
                    call,
                    client,
                    household.now,
                    household.wan,
                    measured,
                )
                answer = soap.respond(call, reply.results)
                await self._keep(reply.changes)
                listing = call.action == "GetListOfPortMappings"
                longest = LONGEST_LISTING if listing else _LONGEST_ANSWER
                require(len(answer) <= longest, f"an answer of {len(answer)} bytes")
                _read(answer)
        except UpnpError as err:
            _read(soap.fault(err))
        self._steps += 1
        if self._steps % _STEPS_PER_LIFE == 0:
            self.household.live()
            self.household.check()

    async def _keep(self, changes: tuple[object, ...]) -> None:
        outcomes = changes
        try:
            await self.household.keep([changed(each) for each in outcomes])  # type: ignore[arg-type]
        except LeaseRefused:
            for each in outcomes:
                self.household.broker.undo(each)  # type: ignore[arg-type]

    @override
    async def rest(self) -> None:
        self.household.rest()


def generate(random: Random, service: Service) -> tuple[str, bytes]:
    """Return an action of a service, and the body of a call that makes sense."""
    others = random.choice(SERVICES)[1].actions
    action = random.choice(service.actions if random.random() < 0.95 else others)
    arguments = [(each.name, _argument(random, each.name)) for each in action.takes]
    if arguments and random.random() < 0.1:
        arguments.pop(random.randrange(len(arguments)))
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in arguments)
    return action.name, (
        '<?xml version="1.0"?><s:Envelope xmlns:s='
        '"http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<u:{action.name} xmlns:u="{service.type}">{inside}</u:{action.name}>'
        "</s:Body></s:Envelope>"
    ).encode()


def _argument(random: Random, name: str) -> str:
    if random.random() < 0.1:
        return random.choice((*TEXTS, *map(str, NUMBERS)))
    if name in {"NewRemoteHost", "RemoteHost"}:
        return random.choice(("", "", "*", "0.0.0.0", "::", *_HOSTS))
    if name in {"NewInternalClient", "InternalClient"}:
        return random.choice(("nas", *_HOSTS))
    if "Protocol" in name:
        return random.choice(("TCP", "UDP", "tcp", "6", "17", "65535", ""))
    if "Port" in name and "Description" not in name:
        return str(random.choice((0, 1, 80, 1900, 6881, 6882, 8080, 8123, 65_535)))
    if "Lease" in name:
        return str(random.choice((0, 1, 3600, 86_400, 604_800, 2**32 - 1)))
    if name in {"NewEnabled", "NewManage"}:
        return random.choice(("1", "0", "true", "yes"))
    if name == "NewPortMappingDescription":
        return random.choice(("game", "a & b", "<>" * 200, "&amp;" * 400, *TEXTS))
    return str(random.choice((0, 1, 2, 3)))


def _action_in(body: bytes) -> str | None:
    found = re.search(rb"<[a-z]:([A-Za-z]{3,64}) xmlns:", body)
    return found[1].decode() if found else None


def _read(answer: bytes) -> None:
    """Raise what is raised if an answer is no XML."""
    ET.fromstring(answer)  # noqa: S314  it is our own


@asynccontextmanager
async def _open(random: Random) -> AsyncIterator[Soap]:
    yield Soap(random, Mutator(random, corpus("soap")))


KIND: Final = Kind("soap", _open, JumpingLoop)
