"""Datagrams in, answers out, and what has become true in between."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
import struct

import pytest

from custom_components.portshare.independent import natpmp, pcp
from custom_components.portshare.independent.broker import Broker, NotAuthorized
from custom_components.portshare.independent.leases import AskedBy, Claim, Lease
from custom_components.portshare.independent.port_control import (
    Address,
    LeaseChange,
    LeaseRefused,
    MappingUpdate,
    PortControl,
)
from custom_components.portshare.sharing.model import Family

from .test_broker import GUEST, NAS, NOON, TCP, UDP, Surroundings, new_broker
from .test_pcp import filter_option, header, map_body, option

WAN = IPv4Address("203.0.113.7")
NAS4, NAS6 = IPv4Address("192.168.178.21"), IPv6Address("2001:db8:1::21")
NAS_LINK_LOCAL = IPv6Address("fe80::21")
OFFICE = IPv4Address("198.51.100.0")
GUEST4 = IPv4Address("192.168.178.66")
STRANGER = IPv4Address("192.168.178.99")
PREFER_FAILURE = option(2, b"")


@dataclass
class Home:
    """Keeps what it is told to keep.

    The kernel `refuses` everything, or only what is about some external ports.
    """

    external_ipv4: IPv4Address | None = WAN
    addresses: dict[str, IPv4Address] = field(default_factory=lambda: {NAS: NAS4})
    leases: dict[str, Lease] = field(default_factory=dict)
    told: list[NotAuthorized] = field(default_factory=list)
    refuses: bool = False
    stuck: set[int] = field(default_factory=set)

    async def device_at(self, address: Address) -> str | None:
        devices = {NAS4: NAS, NAS6: NAS, NAS_LINK_LOCAL: NAS, GUEST4: GUEST}
        return devices.get(address)

    def ipv4_of(self, device: str) -> IPv4Address | None:
        return self.addresses.get(device)

    async def keep(self, changes: Collection[LeaseChange]) -> None:
        leases = [each.after or each.before for each in changes]
        if self.refuses or any(
            each and each.external_port in self.stuck for each in leases
        ):
            raise LeaseRefused
        for change in changes:
            if change.before:
                assert self.leases.pop(change.before.lease_id) == change.before
            if change.after:
                self.leases[change.after.lease_id] = change.after

    def tell_request(self, outcome: NotAuthorized) -> None:
        self.told.append(outcome)

    @property
    def open(self) -> list[str]:
        """Return what is open, as a person would say it."""
        return sorted(
            f"{each.transport} {each.external_port} -> "
            f"{each.address or each.device}:{each.port}"
            for each in self.leases.values()
        )


class Gateway:
    """Everything together, at a time that stands still."""

    def __init__(self) -> None:
        self.surroundings = Surroundings()
        self.home = Home()
        self.now = NOON
        self.broker: Broker = new_broker(self.surroundings)
        self.control = PortControl(self.broker, self.home, lambda: self.now)

    def updates(self, stale: Mapping[str, Claim] | None = None) -> list[MappingUpdate]:
        """Return what clients are told unasked, now or since some claims were stale."""
        claims = self.control.claims() if stale is None else stale
        return [*self.control.mapping_updates(claims)]

    async def pcp(
        self,
        *options: bytes,
        source: Address = NAS4,
        lifetime: int = 3600,
        **body: object,
    ) -> tuple[pcp.Result, int, int, str]:
        """Ask by PCP; return result, lifetime, external port and address."""
        datagram = (
            header(1, lifetime, source)
            + map_body(**body)  # type: ignore[arg-type]
            + b"".join(options)
        )
        answer = await self.control.answer(datagram, source)
        assert answer
        _, opcode, _, result, lasts, _ = struct.unpack_from("!BBBBII", answer)
        assert opcode == 0x81
        (port,) = struct.unpack_from("!H", answer, 24 + 18)
        external = IPv6Address(answer[24 + 20 : 24 + 36])
        text = str(external.ipv4_mapped or external)
        return pcp.Result(result), lasts, port, text

    async def natpmp(
        self,
        opcode: int,
        port: int = 0,
        external_port: int = 0,
        lifetime: int = 3600,
        source: Address = NAS4,
    ) -> tuple[int, ...]:
        """Ask by NAT-PMP; return result, internal and external port, lifetime."""
        datagram = struct.pack("!BBHHHI", 0, opcode, 0, port, external_port, lifetime)
        answer = await self.control.answer(datagram, source)
        assert answer
        _, response, *rest = struct.unpack("!BBHIHHI", answer)
        assert response == 128 + opcode
        return (rest[0], *rest[2:])


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


async def test_a_mapping_by_pcp(gateway: Gateway) -> None:
    """Granted, granted again with a new lifetime, and ended."""
    granted = (pcp.Result.SUCCESS, 3600, 6881, str(WAN))
    for _ in range(2):
        assert await gateway.pcp(port=6881, external_port=6881) == granted
        assert gateway.home.open == [f"tcp 6881 -> {NAS}:6881"]
    result, lifetime, *_ = await gateway.pcp(port=6881, lifetime=0)
    assert (result, lifetime) == (pcp.Result.SUCCESS, 0)
    assert gateway.home.open == []
    assert (await gateway.pcp(port=6881, lifetime=0))[0] is pcp.Result.SUCCESS


async def test_lifetimes_by_pcp(gateway: Gateway) -> None:
    """Two minutes at least, a day at most."""
    assert (await gateway.pcp(lifetime=1))[1] == 120
    assert (await gateway.pcp(lifetime=10**8))[1] == 86_400


async def test_a_pinhole_by_pcp(gateway: Gateway) -> None:
    """Over IPv6 the external port and address are the device's own."""
    answer = await gateway.pcp(source=NAS6, port=6881, external_port=80)
    assert answer == (pcp.Result.SUCCESS, 3600, 6881, str(NAS6))
    assert gateway.home.open == [f"tcp 6881 -> {NAS6}:6881"]


async def test_no_pinhole_to_an_address_that_the_internet_cannot_call(
    gateway: Gateway,
) -> None:
    answer = await gateway.pcp(source=NAS_LINK_LOCAL)
    assert answer[0] is pcp.Result.NOT_AUTHORIZED
    assert gateway.broker.leases == ()


async def test_what_the_kernel_refuses_is_not_granted(gateway: Gateway) -> None:
    """Nor is it remembered: another device may have the port."""
    gateway.home.refuses = True
    assert (await gateway.pcp())[0] is pcp.Result.NO_RESOURCES
    assert (await gateway.natpmp(1, 5000))[0] == natpmp.Result.OUT_OF_RESOURCES
    assert gateway.broker.leases == ()


async def test_a_renewal_that_the_kernel_refuses(gateway: Gateway) -> None:
    """What was granted before stays."""
    await gateway.pcp(lifetime=600)
    (before,) = gateway.broker.leases
    gateway.home.refuses = True
    gateway.now += timedelta(minutes=5)
    assert (await gateway.pcp(lifetime=600))[0] is pcp.Result.NO_RESOURCES
    assert gateway.broker.leases == (before,)


async def test_an_end_that_the_kernel_refuses(gateway: Gateway) -> None:
    """The client hears it, and what is still open is still known."""
    await gateway.pcp(port=6881)
    await gateway.natpmp(1, 5000)
    before, still_open = {*gateway.broker.leases}, gateway.home.open
    gateway.home.refuses = True
    result, lifetime, *_ = await gateway.pcp(port=6881, lifetime=0)
    assert (result, lifetime) == (pcp.Result.NO_RESOURCES, 30)
    answer = await gateway.natpmp(1, 5000, lifetime=0)
    assert answer == (natpmp.Result.OUT_OF_RESOURCES, 5000, 0, 0)
    assert {*gateway.broker.leases} == before
    gateway.home.refuses = False
    assert gateway.home.open == still_open
    assert (await gateway.pcp(port=6881, lifetime=0))[0] is pcp.Result.SUCCESS
    assert await gateway.natpmp(1, 5000, lifetime=0) == (0, 5000, 0, 0)
    assert gateway.home.open == []


async def test_all_end_but_one_that_the_kernel_refuses(gateway: Gateway) -> None:
    for port in (5000, 5001, 5002):
        await gateway.natpmp(2, port, port)
    gateway.home.stuck = {5001}
    answer = await gateway.natpmp(2, 0, lifetime=0)
    assert answer == (natpmp.Result.OUT_OF_RESOURCES, 0, 0, 0)
    assert [each.port for each in gateway.broker.leases] == [5001]
    assert gateway.home.open == [f"tcp 5001 -> {NAS}:5001"]
    gateway.home.stuck = set()
    assert await gateway.natpmp(2, 0, lifetime=0) == (0, 0, 0, 0)
    assert gateway.home.open == []


async def test_without_permission(gateway: Gateway) -> None:
    """Refused and told; so that the device asks again soon, and told only once."""
    for _ in range(2):
        result, lifetime, *_ = await gateway.pcp(source=GUEST4)
        assert (result, lifetime) == (pcp.Result.NOT_AUTHORIZED, 60)
    answer = await gateway.natpmp(2, 5000, source=GUEST4)
    assert answer[0] == natpmp.Result.NOT_AUTHORIZED
    assert [each.wish.device for each in gateway.home.told] == [GUEST, GUEST]
    assert gateway.home.open == []


async def test_a_filter_is_kept_or_refused(gateway: Gateway) -> None:
    """Never taken and ignored."""
    kept = filter_option(96 + 24, 0, OFFICE)
    assert (await gateway.pcp(kept))[0] is pcp.Result.SUCCESS
    (lease,) = gateway.home.leases.values()
    assert [str(each) for each in lease.peers] == ["198.51.100.0/24"]
    by_port = filter_option(96 + 24, 443, OFFICE)
    assert (await gateway.pcp(by_port))[0] is pcp.Result.UNSUPP_OPTION
    nobody = filter_option(0, 0, IPv4Address(0))
    assert (await gateway.pcp(nobody))[0] is pcp.Result.SUCCESS
    (lease,) = gateway.home.leases.values()
    assert lease.peers == ()


async def test_prefer_failure(gateway: Gateway) -> None:
    """Another external address or port will not do."""
    other = IPv4Address("203.0.113.8")
    answer = await gateway.pcp(
        PREFER_FAILURE, external_port=6881, external_address=other
    )
    assert answer[0] is pcp.Result.CANNOT_PROVIDE_EXTERNAL
    gateway.surroundings.taken.add((TCP, 6881))
    answer = await gateway.pcp(PREFER_FAILURE, external_port=6881)
    assert answer[0] is pcp.Result.CANNOT_PROVIDE_EXTERNAL
    assert gateway.home.open == []


async def test_a_share_that_leads_there(gateway: Gateway) -> None:
    """It is answered with, for ever; and it cannot be ended by a device."""
    gateway.surroundings.shares[(NAS, TCP, 80)] = 8080
    answer = await gateway.pcp(port=80)
    assert answer == (pcp.Result.SUCCESS, pcp.STATIC_LIFETIME, 8080, str(WAN))
    answer = await gateway.pcp(port=80, lifetime=0)
    assert answer[0] is pcp.Result.NOT_AUTHORIZED
    assert await gateway.natpmp(2, 80, lifetime=600) == (0, 80, 8080, 600)
    answer4 = await gateway.natpmp(2, 80, lifetime=0)
    assert answer4[0] == natpmp.Result.NOT_AUTHORIZED


async def test_a_share_has_no_filter_of_a_device(gateway: Gateway) -> None:
    """It is open to whom the user says."""
    gateway.surroundings.shares[(NAS, TCP, 80)] = 8080
    answer = await gateway.pcp(filter_option(96 + 24, 0, OFFICE), port=80)
    assert answer[0] is pcp.Result.EXCESSIVE_REMOTE_PEERS


async def test_without_internet(gateway: Gateway) -> None:
    gateway.home.external_ipv4 = None
    gateway.surroundings.internet = {Family.IPV6}
    assert (await gateway.pcp())[0] is pcp.Result.NETWORK_FAILURE
    assert (await gateway.natpmp(1, 5000))[0] == natpmp.Result.NETWORK_FAILURE
    assert (await gateway.pcp(source=NAS6))[0] is pcp.Result.SUCCESS
    address = await gateway.control.answer(b"\0\0", NAS4)
    assert address == bytes([0, 128, 0, 3]) + bytes(8)


async def test_mappings_by_natpmp(gateway: Gateway) -> None:
    assert await gateway.natpmp(1, 5000, 5000) == (0, 5000, 5000, 3600)
    assert await gateway.natpmp(2, 5001, 5001) == (0, 5001, 5001, 3600)
    assert await gateway.natpmp(2, 5002, 5002) == (0, 5002, 5002, 3600)
    assert gateway.home.open == [
        f"tcp 5001 -> {NAS}:5001",
        f"tcp 5002 -> {NAS}:5002",
        f"udp 5000 -> {NAS}:5000",
    ]
    assert await gateway.natpmp(2, 5002, lifetime=0) == (0, 5002, 0, 0)
    assert gateway.home.open == [
        f"tcp 5001 -> {NAS}:5001",
        f"udp 5000 -> {NAS}:5000",
    ]


async def test_all_mappings_of_a_transport_end(gateway: Gateway) -> None:
    """What was made by PCP is not NAT-PMP's to end, nor is a share."""
    await gateway.natpmp(1, 5000)
    await gateway.natpmp(2, 5000)
    await gateway.pcp(port=6881, external_port=6881)
    assert await gateway.natpmp(2, 0, lifetime=0) == (0, 0, 0, 0)
    left = [(each.transport, each.port) for each in gateway.broker.leases]
    assert left == [(UDP, 5000), (TCP, 6881)]
    gateway.surroundings.shares[(NAS, UDP, 53)] = 53
    answer = await gateway.natpmp(1, 0, lifetime=0)
    assert answer[0] == natpmp.Result.NOT_AUTHORIZED
    assert [each.claims[0].asked_by for each in gateway.broker.leases] == [AskedBy.PCP]


async def test_port_0_by_natpmp(gateway: Gateway) -> None:
    assert (await gateway.natpmp(1, 0))[0] == natpmp.Result.NOT_AUTHORIZED


async def test_the_external_address_by_natpmp(gateway: Gateway) -> None:
    gateway.now += timedelta(seconds=30)
    answer = await gateway.control.answer(b"\0\0", NAS4)
    assert answer == struct.pack("!BBHI", 0, 128, 0, 30) + WAN.packed


@pytest.mark.parametrize(
    "datagram", [b"", b"\0", b"\2", b"\0\x80", b"\2\x81" + bytes(22), bytes([0, 1])]
)
async def test_silence(gateway: Gateway, datagram: bytes) -> None:
    assert await gateway.control.answer(datagram, NAS4) is None


async def test_silence_for_who_is_no_device(gateway: Gateway) -> None:
    """An address that the kernel cannot find anybody at."""
    request = header(1, 3600, STRANGER) + map_body()
    assert await gateway.control.answer(request, STRANGER) is None
    request = struct.pack("!BBHHHI", 0, 1, 0, 5000, 5000, 60)
    assert await gateway.control.answer(request, STRANGER) is None


async def test_other_versions_and_opcodes(gateway: Gateway) -> None:
    """NAT-PMP is for IPv4 alone."""
    answer = await gateway.control.answer(bytes([1, 0]), NAS4)
    assert answer
    assert answer[3] == pcp.Result.UNSUPP_VERSION
    answer = await gateway.control.answer(bytes([0, 0]), NAS6)
    assert answer
    assert answer[3] == pcp.Result.UNSUPP_VERSION
    answer = await gateway.control.answer(bytes([0, 5]), NAS4)
    assert answer
    assert answer[:4] == bytes([0, 133, 0, 5])


async def test_announcements(gateway: Gateway) -> None:
    """A client asks, or all are told."""
    gateway.now += timedelta(seconds=5)
    asked = await gateway.control.answer(header(0, 0, NAS4), NAS4)
    address, announcement = gateway.control.announcements(IPv4Address)
    assert asked == announcement
    assert address == struct.pack("!BBHI", 0, 128, 0, 5) + WAN.packed
    assert gateway.control.announcements(IPv6Address) == (announcement,)


async def test_the_end_of_a_mapping_that_cannot_be(gateway: Gateway) -> None:
    """A protocol without ports has no mappings, so its end is nothing to do."""
    answer = await gateway.pcp(protocol=132, port=5000, lifetime=0)
    assert answer[0] is pcp.Result.SUCCESS


# ---- mapping updates ------------------------------------------------------------------

NEW_WAN = IPv4Address("203.0.113.99")


@pytest.mark.parametrize("options", [b"", filter_option(96 + 24, 0, OFFICE)])
async def test_a_client_is_told_its_new_external_address(
    gateway: Gateway, options: bytes
) -> None:
    """By what would be the answer if it asked now, where it has asked from."""
    request = header(1, 3600, NAS4) + map_body(port=6881) + options
    await gateway.control.answer(request, NAS4, 4711)
    gateway.home.external_ipv4 = NEW_WAN
    gateway.broker.begin_epoch(gateway.now)
    (update,) = gateway.updates()
    assert (update.client, update.port) == (NAS4, 4711)
    assert update.datagram == await gateway.control.answer(request, NAS4, 4711)
    assert update.datagram[44:60] == IPv6Address(f"::ffff:{NEW_WAN}").packed


async def test_a_client_is_told_what_is_left_of_its_lifetime(gateway: Gateway) -> None:
    await gateway.pcp(lifetime=3600)
    gateway.now += timedelta(minutes=10)
    (update,) = gateway.updates()
    assert struct.unpack_from("!II", update.datagram, 4) == (3000, 600)
    gateway.now += timedelta(minutes=50)
    assert gateway.updates() == []


async def test_a_device_is_told_where_it_is_now(gateway: Gateway) -> None:
    await gateway.pcp()
    gateway.home.addresses[NAS] = NAS4 + 1
    assert [each.client for each in gateway.updates()] == [NAS4 + 1]
    del gateway.home.addresses[NAS]
    assert gateway.updates() == []


async def test_a_pinhole_is_its_clients_address(gateway: Gateway) -> None:
    """It does not depend on the address of the gateway."""
    request = header(1, 3600, NAS6) + map_body(port=6881)
    answer = await gateway.control.answer(request, NAS6, 4711)
    gateway.home.external_ipv4 = None
    (update,) = gateway.updates()
    assert update == MappingUpdate(NAS6, 4711, answer or b"")


async def test_nothing_is_told_of_an_address_that_is_not_there(
    gateway: Gateway,
) -> None:
    await gateway.pcp()
    gateway.home.external_ipv4 = None
    assert gateway.updates() == []


async def test_who_has_asked_again_is_told_no_more(gateway: Gateway) -> None:
    """Nor who has ended it, or has begun after all were told."""
    for port in (5000, 5001, 5002):
        await gateway.pcp(port=port)
    stale = gateway.control.claims()
    assert len(gateway.updates(stale)) == 3
    gateway.now += timedelta(milliseconds=250)
    await gateway.pcp(port=5000)
    await gateway.pcp(port=5001, lifetime=0)
    await gateway.pcp(port=5003)
    (update,) = gateway.updates(stale)
    assert struct.unpack_from("!H", update.datagram, 40) == (5002,)


async def test_only_clients_of_pcp_are_told(gateway: Gateway) -> None:
    await gateway.natpmp(2, 5000)
    assert gateway.updates() == []
    await gateway.pcp(port=5000)
    gateway.control = PortControl(
        gateway.broker, gateway.home, lambda: gateway.now, {AskedBy.NATPMP}
    )
    assert gateway.updates() == []
