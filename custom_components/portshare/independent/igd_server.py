"""The UPnP internet gateways in the home network: found, described, asked and heard."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import IPv6Address
import logging
import platform
from typing import Final, Protocol
from uuid import UUID, uuid4
from zlib import crc32

from aiohttp import web

from ..sharing.model import LanAddress
from . import soap
from .broker import Broker
from .control import Client, Measured, Reply, Unauthorized, Wan
from .descriptions import About, Device, Paths, describe, describe_service, gateways
from .gena import GenaError, Subscriber, Subscriptions
from .http_server import Answer, BadBodyError, HttpServer, read_body
from .igd import MEASURING, Igd
from .lan_sockets import address_of
from .notifier import Notifier
from .port_control import Address, Household, LeaseRefused, keep
from .services import Service
from .soap import Call, ErrorCode, UpnpError
from .ssdp import Presence
from .ssdp_server import SsdpServer

_LOGGER = logging.getLogger(__name__)

_XML: Final = {"Content-Type": 'text/xml; charset="utf-8"'}
# "Required for backwards compatibility with UPnP 1.0." -- UDA 1.1 section 3.2.2
_DONE: Final = _XML | {"EXT": ""}
# Of 24 bits. See UDA 1.1 section 1.2.2.
_HIGHEST_CONFIG_ID: Final = 0xFFFFFF


class IgdHousehold(Household, Protocol):
    """What else of the home UPnP clients may know."""

    @property
    def wan(self) -> Wan:
        """The internet connection as it is now."""

    async def measure(self, device: str) -> Measured:
        """Return what the kernel counts, for this device."""

    async def client_at(self, address: Address) -> Client | None:
        """Return the device of the home that has this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the gateways of this installation are known by.

    `seed` and `secret` are random, and stay the same. The secret is in all paths, so that
    no web page can guess them. The boot id is a higher one each time we start.
    """

    seed: UUID
    secret: str
    boot_id: int
    about: About


class IgdServer:
    """Listens where it is told, and serves devices of the home."""

    def __init__(
        self,
        household: IgdHousehold,
        broker: Broker,
        igd: Igd,
        identity: Identity,
        is_at_home: Callable[[Address], bool],
        clock: Callable[[], datetime],
        port: int = 0,
    ) -> None:
        """Remember who decides, and who makes it true; `listen` begins.

        `port` is where HTTP is served; 0 stands for one that the kernel chooses.
        """
        self._household = household
        self._broker = broker
        self._igd = igd
        self._clock = clock
        self._prefix = f"/{identity.secret}"
        self._gateways = gateways(identity.seed)
        self._config_id = _config_id(self._gateways, self._prefix, identity.about)
        about = identity.about
        system = f"{platform.system()}/{platform.release().partition('.')[0]}"
        self._product = f"{system} UPnP/1.1 {about.model}/{about.model_number}"
        self._routes = self._all_routes(about)
        self._notifier = Notifier(
            Subscriptions(lambda: str(uuid4()), self._read_variables)
        )
        self._http = HttpServer(
            self._answer,
            is_at_home,
            port=port,
            product=self._product,
            longest_body=soap.LONGEST_BODY,
        )
        self._ssdp = SsdpServer(self._presences, identity.boot_id, is_at_home)

    @property
    def port(self) -> int:
        """Where HTTP is served; 0 if that is still to be chosen."""
        return self._http.port

    async def listen(self, addresses: Iterable[LanAddress]) -> None:
        """Serve at these addresses, and no longer at others.

        Raises OSError if another program has a port; the other addresses are served all
        the same.
        """
        try:
            await self._http.listen(addresses)
        finally:
            await self._ssdp.listen(self._http.addresses)

    async def close(self) -> None:
        """Say good-bye, and serve no longer."""
        await self._ssdp.close()
        await self._http.close()
        # At last: until then somebody may subscribe.
        await self._notifier.close()

    def note_change(self) -> None:
        """Note that leases or the internet connection have changed: subscribers are told.

        Of leases the `Igd` is to be told first, by whichever protocol they were changed.
        """
        self._notifier.note_change()

    def _paths(self, gateway: Device) -> Paths:
        return Paths(self._prefix, gateway.version)

    def _presences(self, where: LanAddress, boot_id: int) -> tuple[Presence, ...]:
        host = f"[{where.address}]" if where.address.version == 6 else where.address
        return tuple(
            Presence(
                gateway=gateway,
                location=f"http://{host}:{self._http.port}"
                f"{self._paths(gateway).description}",
                server=self._product,
                boot_id=boot_id,
                config_id=self._config_id,
            )
            for gateway in self._gateways
        )

    def _all_routes(self, about: About) -> dict[str, dict[str, Answer]]:
        """Return who answers, by path and method."""
        routes: dict[str, dict[str, Answer]] = {}
        for gateway in self._gateways:
            paths = self._paths(gateway)
            description = describe(gateway, paths, about, self._config_id)
            routes[paths.description] = {"GET": partial(_show, description)}
            for service in _services_of(gateway):
                place = gateway, service
                scpd = describe_service(service)
                routes[paths.scpd(service)] = {"GET": partial(_show, scpd)}
                control: dict[str, Answer] = {"POST": partial(self._control, *place)}
                routes[paths.control(service)] = control
                # KTorrent posts to where others subscribe.
                routes[paths.events(service)] = {
                    "SUBSCRIBE": partial(self._subscribe, *place),
                    "UNSUBSCRIBE": self._unsubscribe,
                    **control,
                }
        return routes

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        methods = self._routes.get(request.path)
        if methods is None:
            return web.Response(status=404)
        answer = methods.get(request.method)
        if answer is None:
            return web.Response(status=405, headers={"Allow": ", ".join(methods)})
        return await answer(request)

    async def _control(
        self, gateway: Device, service: Service, request: web.BaseRequest
    ) -> web.Response:
        try:
            body = await read_body(request)
            call = soap.parse(body, request.headers.get("SOAPAction"))
            reply = await self._act(gateway, service, call, _source(request))
        except BadBodyError:
            error = UpnpError(ErrorCode.INVALID_ARGS)
        except UpnpError as err:
            error = err
        except Exception:
            # A mistake of ours, which clients must not take for success.
            _LOGGER.exception("An action of a UPnP client could not be done")
            error = UpnpError(ErrorCode.ACTION_FAILED)
        else:
            answer = soap.respond(call, reply.results)
            return web.Response(body=answer, headers=_DONE)
        return web.Response(status=500, body=soap.fault(error), headers=_DONE)

    async def _act(
        self, gateway: Device, service: Service, call: Call, source: Address
    ) -> Reply:
        """Do what a client asks, so that it is true when it is answered."""
        client = await self._household.client_at(source)
        if client is None:
            raise UpnpError(ErrorCode.NOT_AUTHORIZED)
        measured = Measured()
        if call.action in MEASURING:
            measured = await self._household.measure(client.device)
        now, wan = self._clock(), self._household.wan
        try:
            reply = self._igd.act(gateway, service, call, client, now, wan, measured)
        except Unauthorized as err:
            if err.asked.request_id:
                self._household.tell_request(err.asked)
            raise
        if reply.changes:
            try:
                await keep(self._household, self._broker, reply.changes)
            except LeaseRefused:
                raise UpnpError(ErrorCode.ACTION_FAILED) from None
        return reply

    async def _subscribe(
        self, gateway: Device, service: Service, request: web.BaseRequest
    ) -> web.Response:
        subscriber = await self._subscriber(request)
        if subscriber is None:
            return web.Response(status=403)
        try:
            subscription = self._notifier.subscribe(
                subscriber, gateway, service, request.headers
            )
        except GenaError as err:
            return web.Response(status=err.status)
        return web.Response(headers=subscription.headers)

    async def _unsubscribe(self, request: web.BaseRequest) -> web.Response:
        subscriber = await self._subscriber(request)
        if subscriber is None:
            return web.Response(status=403)
        try:
            self._notifier.unsubscribe(subscriber, request.headers)
        except GenaError as err:
            return web.Response(status=err.status)
        return web.Response()

    async def _subscriber(self, request: web.BaseRequest) -> Subscriber | None:
        client = await self._household.client_at(_source(request))
        if client is None:
            return None
        return Subscriber(client.device, _callable_source(request))

    def _read_variables(
        self, gateway: Device, service: Service, device: str
    ) -> dict[str, str]:
        return self._igd.variables(gateway, service, device, self._household.wan)


async def _show(document: bytes, _: web.BaseRequest) -> web.Response:
    return web.Response(body=document, headers=_XML)


def _services_of(gateway: Device) -> Iterator[Service]:
    for device in gateway:
        yield from device.services


def _source(request: web.BaseRequest) -> Address:
    return address_of(request.get_extra_info("peername"))


def _callable_source(request: web.BaseRequest) -> Address:
    """Return where a request comes from, with the link that is needed to call there."""
    source = _source(request)
    if isinstance(source, IPv6Address) and source.is_link_local:
        link = request.get_extra_info("peername")[3]
        return IPv6Address(f"{source}%{link}")
    return source


def _config_id(devices: Iterable[Device], prefix: str, about: About) -> int:
    """Return a number that is another one if anything is described otherwise."""
    described = b"".join(
        describe(device, Paths(prefix, device.version), about, 0)
        + b"".join(describe_service(each) for each in _services_of(device))
        for device in devices
    )
    return crc32(described) & _HIGHEST_CONFIG_ID
