"""Who may map what: every rule by itself, and all of them against any sequence of steps."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from itertools import count
import json

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
import pytest

from custom_components.portshare.independent.approval import (
    ANSWERABLE_FOR,
    APPROVED_FOR,
    QUIET_FOR,
    TELL_EVERY,
    Answer,
    UnknownRequest,
)
from custom_components.portshare.independent.broker import (
    Broker,
    Granted,
    Limits,
    NotAuthorized,
    Refused,
    Released,
    Shared,
)
from custom_components.portshare.independent.external_ports import REST
from custom_components.portshare.independent.leases import (
    AskedBy,
    Claim,
    Lease,
    Refusal,
    Wish,
)
from custom_components.portshare.sharing.model import Family, Transport

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

NAS = "02:00:5e:00:00:01"
PC = "02:00:5e:00:00:02"
GUEST = "02:00:5e:00:00:03"
IPV6 = IPv6Address("2001:db8:1::1")
TCP, UDP = Transport.TCP, Transport.UDP

NONCE = b"nonce of nas"
PEERS = IPv4Network("198.51.100.0/24")
OTHER_PEERS = IPv4Network("192.0.2.5/32")


@dataclass
class Surroundings:
    """A gateway with two devices that may map ports, and a guest that may not."""

    permitted: set[str] = field(default_factory=lambda: {NAS, PC})
    internet: set[Family] = field(default_factory=lambda: set(Family))
    taken: set[tuple[Transport, int]] = field(default_factory=set)
    shares: dict[tuple[str, Transport, int], int] = field(default_factory=dict)

    def reserved(self, transport: Transport, port: int) -> bool:
        return (transport, port) in self.taken

    def shared(self, wish: Wish) -> int | None:
        return self.shares.get((wish.device, wish.transport, wish.port))

    def shares_any(self, device: str, transport: Transport) -> bool:
        return any((device, transport) == place[:2] for place in self.shares)


@pytest.fixture
def gateway() -> Surroundings:
    return Surroundings()


@pytest.fixture
def broker(gateway: Surroundings) -> Broker:
    return new_broker(gateway)


def new_broker(gateway: Surroundings, limits: Limits = Limits()) -> Broker:
    ids = count(1)
    return Broker(gateway, lambda: str(next(ids)), NOON, limits)


def pcp(port: int = 8080, external_port: int = 0, **changes: object) -> Wish:
    """Return what the NAS asks by PCP."""
    wish = Wish(
        device=NAS,
        asked_by=AskedBy.PCP,
        transport=TCP,
        port=port,
        external_port=external_port,
        lifetime=3600,
        nonce=NONCE,
    )
    return replace(wish, **changes)  # type: ignore[arg-type]


def natpmp(port: int = 8080, external_port: int = 0, **changes: object) -> Wish:
    return pcp(
        port, external_port, **{"asked_by": AskedBy.NATPMP, "nonce": b""} | changes
    )


def upnp(port: int = 8080, external_port: int = 8080, **changes: object) -> Wish:
    """Return what the NAS asks by AddPortMapping."""
    as_upnp = {"asked_by": AskedBy.UPNP, "nonce": b"", "exact": True}
    return pcp(port, external_port, **as_upnp | changes)


def grant(broker: Broker, wish: Wish, now: datetime = NOON) -> Lease:
    outcome = broker.ask(wish, now)
    assert isinstance(outcome, Granted)
    return outcome.lease


def refusal(outcome: object) -> Refusal:
    assert isinstance(outcome, Refused)
    return outcome.reason


def request_id(outcome: object) -> str | None:
    assert isinstance(outcome, NotAuthorized)
    return outcome.request_id


def ended(released: Iterable[Released]) -> list[Lease]:
    return [each.before for each in released if each.after is None]


def fill(broker: Broker, number: int, **changes: object) -> None:
    for port in range(20_000, 20_000 + number):
        grant(broker, pcp(port, port, **changes))


# ---- a new lease -------------------------------------------------------------------


def test_a_lease_says_what_a_device_asked_for_and_when(broker: Broker) -> None:
    lease = grant(broker, pcp(8080, 40080, description="Web"))
    assert lease == Lease(
        lease_id="1",
        device=NAS,
        transport=TCP,
        port=8080,
        external_port=40080,
        created=NOON,
        claims=(Claim(AskedBy.PCP, NOON + HOUR, NONCE, (), "Web"),),
    )
    assert lease.family is Family.IPV4
    assert broker.leases == broker.leases_of(NAS) == (lease,)
    assert broker.holder(TCP, 40080) is lease


def test_only_the_transport_that_was_asked_for_is_mapped(broker: Broker) -> None:
    grant(broker, pcp(8080, 8080))
    assert broker.holder(UDP, 8080) is None
    assert len(broker.leases) == 1


@pytest.mark.parametrize("asked_by", [AskedBy.PCP, AskedBy.NATPMP])
@pytest.mark.parametrize("suggested", [0, 80, 1023, 7000, 5555])
def test_a_port_that_cannot_be_given_is_only_a_hint(
    broker: Broker, gateway: Surroundings, asked_by: AskedBy, suggested: int
) -> None:
    gateway.taken.add((TCP, 7000))
    grant(broker, pcp(5555, 5555, device=PC))
    lease = grant(broker, pcp(8080, suggested, asked_by=asked_by))
    assert lease.external_port >= 1024
    assert lease.external_port not in (suggested, 5555, 7000)


@pytest.mark.parametrize("port", [1900, 5350, 5351])
def test_our_own_udp_ports_are_never_given(broker: Broker, port: int) -> None:
    assert grant(broker, pcp(port, port, transport=UDP)).external_port != port
    outcome = broker.ask(upnp(4711, port, transport=UDP), NOON)
    assert refusal(outcome) is Refusal.PORT_FORBIDDEN
    assert grant(broker, pcp(port, port, transport=TCP)).external_port == port


def test_without_a_hint_the_same_wish_gets_the_same_port_again(
    gateway: Surroundings,
) -> None:
    ports = {grant(new_broker(gateway), pcp(8080)).external_port for _ in range(3)}
    assert len(ports) == 1


def test_low_ports_can_be_allowed(gateway: Surroundings) -> None:
    broker = new_broker(gateway, Limits(lowest_port=1))
    assert grant(broker, pcp(8080, 80)).external_port == 80
    # But they are not given to those who do not ask for them.
    assert grant(broker, pcp(8081, 0)).external_port >= 1024


def test_when_hardly_any_port_is_free_the_search_ends(
    broker: Broker, gateway: Surroundings
) -> None:
    gateway.taken |= {(TCP, port) for port in range(1024, 65536)}
    assert refusal(broker.ask(pcp(), NOON)) is Refusal.FULL
    assert not broker.leases


@pytest.mark.parametrize("free", range(60))
def test_the_search_finds_a_port_if_one_in_sixty_is_free(
    broker: Broker, gateway: Surroundings, free: int
) -> None:
    gateway.taken |= {(TCP, port) for port in range(1024, 65536) if port % 60 != free}
    assert grant(broker, pcp()).external_port % 60 == free


@pytest.mark.parametrize("family", Family)
def test_without_internet_there_are_no_new_leases_but_old_ones_go_on(
    broker: Broker, gateway: Surroundings, family: Family
) -> None:
    address = IPV6 if family is Family.IPV6 else None
    grant(broker, pcp(8080, address=address))
    gateway.internet = set(Family) - {family}
    outcome = broker.ask(pcp(8081, address=address), NOON)
    assert refusal(outcome) is Refusal.NO_INTERNET
    renewed = grant(broker, pcp(8080, address=address), NOON + MINUTE)
    assert renewed.expires == NOON + MINUTE + HOUR


# ---- lifetimes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_by", "lifetime", "granted"),
    [
        (AskedBy.PCP, 120, 120),
        (AskedBy.PCP, 2**32 - 1, 86_400),
        (AskedBy.NATPMP, 1, 1),
        (AskedBy.NATPMP, 3_600_000, 86_400),
        (AskedBy.UPNP, 604_800, 604_800),
    ],
)
def test_a_lifetime_is_never_longer_than_allowed(
    broker: Broker, asked_by: AskedBy, lifetime: int, granted: int
) -> None:
    outcome = broker.ask(pcp(asked_by=asked_by, lifetime=lifetime), NOON)
    assert isinstance(outcome, Granted)
    assert outcome.lifetime == granted
    assert outcome.lease.expires == NOON + granted * SECOND


def test_a_client_may_shorten_its_lease(broker: Broker) -> None:
    grant(broker, pcp())
    assert grant(broker, pcp(lifetime=120)).expires == NOON + 2 * MINUTE
    assert broker.next_expiry() == NOON + 2 * MINUTE


def test_a_lease_ends_when_its_time_is_over_and_not_before(broker: Broker) -> None:
    lease = grant(broker, pcp())
    assert broker.next_expiry() == NOON + HOUR
    assert not broker.expire(NOON + HOUR - SECOND)
    assert ended(broker.expire(NOON + HOUR)) == [lease]
    assert not broker.leases
    assert broker.next_expiry() is None


def test_leases_end_in_the_order_of_their_time(broker: Broker) -> None:
    late = grant(broker, pcp(8080, lifetime=500))
    soon = grant(broker, pcp(8081, lifetime=200))
    assert broker.next_expiry() == soon.expires
    assert ended(broker.expire(NOON + HOUR)) == [soon, late]


def test_a_renewed_lease_does_not_end_at_the_time_of_before(broker: Broker) -> None:
    grant(broker, pcp())
    renewed = grant(broker, pcp(), NOON + MINUTE)
    assert broker.next_expiry() == renewed.expires
    assert not broker.expire(NOON + HOUR)
    assert broker.leases == (renewed,)


def test_a_renewed_lease_does_not_hide_the_one_that_ends_next(broker: Broker) -> None:
    grant(broker, pcp(8080, lifetime=200))
    soon = grant(broker, pcp(8081, lifetime=300))
    grant(broker, pcp(8080, lifetime=3600))
    assert broker.next_expiry() == soon.expires
    assert ended(broker.expire(NOON + 300 * SECOND)) == [soon]


def test_who_asks_over_and_over_does_not_fill_the_memory(broker: Broker) -> None:
    for second in range(1000):
        grant(broker, pcp(), NOON + second * SECOND)
        grant(broker, pcp(1), NOON + second * SECOND)
        broker.release(pcp(1), NOON + second * SECOND)
    assert len(broker._leases._due) < 200
    assert broker.next_expiry() == NOON + 999 * SECOND + HOUR


# ---- asked again --------------------------------------------------------------------


@pytest.mark.parametrize("suggested", [0, 40080, 50000])
@pytest.mark.parametrize("wish", [pcp(8080, 40080), natpmp(8080, 40080)])
def test_asked_again_a_device_gets_the_same_port_for_longer(
    broker: Broker, wish: Wish, suggested: int
) -> None:
    before = grant(broker, wish)
    again = replace(wish, external_port=suggested)
    outcome = broker.ask(again, NOON + MINUTE)
    assert isinstance(outcome, Granted)
    assert outcome.before == before
    assert outcome.lease.external_port == 40080
    assert outcome.lease.expires == NOON + MINUTE + HOUR
    assert len(broker.leases) == 1


@pytest.mark.parametrize("lifetime", [0, 3600])
def test_another_nonce_is_refused_for_as_long_as_the_lease_lasts(
    broker: Broker, lifetime: int
) -> None:
    lease = grant(broker, pcp())
    forged = pcp(nonce=b"another one!", lifetime=lifetime)
    later = NOON + 1.5 * SECOND
    outcome = broker.ask(forged, later) if lifetime else broker.release(forged, later)
    assert outcome == Refused(Refusal.OTHER_NONCE, 3599)
    assert broker.leases == (lease,)


def test_the_nonce_of_a_lease_that_just_ended_is_refused_for_no_time(
    broker: Broker,
) -> None:
    grant(broker, pcp())
    outcome = broker.ask(pcp(nonce=b"another one!"), NOON + 2 * HOUR)
    assert outcome == Refused(Refusal.OTHER_NONCE, 0)


def test_devices_do_not_get_into_each_others_lease(broker: Broker) -> None:
    of_nas = grant(broker, pcp(8080, 8080))
    of_pc = grant(broker, pcp(8080, 8080, device=PC))
    assert of_nas.external_port != of_pc.external_port
    outcome = broker.release(pcp(8080, device=PC), NOON)
    assert outcome == Released(of_pc, None)
    assert broker.leases == (of_nas,)


# ---- another port will not do --------------------------------------------------------


def test_who_insists_gets_the_port_or_none(
    broker: Broker, gateway: Surroundings
) -> None:
    gateway.taken.add((TCP, 7000))
    grant(broker, pcp(5555, 5555, device=PC))
    for port, reason in (
        (5555, Refusal.PORT_TAKEN),
        (7000, Refusal.PORT_TAKEN),
        (80, Refusal.PORT_FORBIDDEN),
    ):
        assert refusal(broker.ask(pcp(8080, port, exact=True), NOON)) is reason
    assert grant(broker, pcp(8080, 8080, exact=True)).external_port == 8080


def test_who_insists_on_another_port_than_it_has_gets_none(broker: Broker) -> None:
    lease = grant(broker, pcp(8080, 40080))
    outcome = broker.ask(pcp(8080, 40081, exact=True), NOON)
    assert refusal(outcome) is Refusal.PORT_TAKEN
    assert broker.leases == (lease,)
    assert grant(broker, pcp(8080, 40080, exact=True)) == lease


def test_the_companion_port_waits_for_the_same_device(broker: Broker) -> None:
    grant(broker, natpmp(8080, 8080))
    other = natpmp(8080, 8080, device=PC, transport=UDP)
    assert grant(broker, other).external_port != 8080
    assert grant(broker, natpmp(8080, 8080, transport=UDP)).external_port == 8080


def test_a_port_that_was_just_given_back_waits_for_the_same_device(
    broker: Broker,
) -> None:
    grant(broker, pcp(8080, 8080))
    broker.release(pcp(8080), NOON)
    wish = pcp(8080, 8080, device=PC, exact=True)
    soon = NOON + REST - SECOND
    assert refusal(broker.ask(wish, soon)) is Refusal.PORT_TAKEN
    assert grant(broker, pcp(9090, 8080), soon).external_port == 8080
    broker.release(pcp(9090), soon)
    assert refusal(broker.ask(wish, NOON + REST)) is Refusal.PORT_TAKEN
    assert grant(broker, wish, soon + REST).external_port == 8080


def test_what_has_rested_is_forgotten(broker: Broker) -> None:
    for second, port in enumerate((8080, 8081, 8080)):
        grant(broker, pcp(port, port))
        broker.release(pcp(port), NOON + second * SECOND)
    broker.expire(NOON + SECOND + REST)
    assert [port for _, port in broker._ports._resting] == [8080]
    broker.expire(NOON + 2 * SECOND + REST)
    assert not broker._ports._resting


def test_what_has_rested_is_forgotten_though_no_lease_ever_expires(
    broker: Broker,
) -> None:
    """Who maps and ends one port after the other fills no memory with them."""
    for minute in range(9):
        now = NOON + minute * MINUTE
        grant(broker, pcp(8080 + minute, 8080 + minute), now)
        broker.release(pcp(8080 + minute), now)
    assert [port for _, port in broker._ports._resting] == [8087, 8088]


# ---- how much ------------------------------------------------------------------------


def test_a_device_has_so_many_leases_and_no_more(broker: Broker) -> None:
    fill(broker, 32)
    assert refusal(broker.ask(pcp(1), NOON)) is Refusal.QUOTA
    assert refusal(broker.ask(pcp(1, address=IPV6), NOON)) is Refusal.QUOTA
    grant(broker, pcp(1, device=PC))
    # What it has goes on, by another protocol as well.
    grant(broker, pcp(20_000))
    grant(broker, natpmp(20_000))
    broker.release(pcp(20_001), NOON)
    grant(broker, pcp(1))


def test_all_together_have_so_many_leases_and_no_more(gateway: Surroundings) -> None:
    broker = new_broker(gateway, Limits(in_all=3))
    fill(broker, 3)
    assert refusal(broker.ask(pcp(device=PC), NOON)) is Refusal.FULL


# ---- who may call ----------------------------------------------------------------------


def test_all_may_call_unless_a_device_says_who(broker: Broker) -> None:
    assert grant(broker, pcp(8080)).peers == ()
    assert grant(broker, pcp(8081, peers=(PEERS,))).peers == (PEERS,)


def test_peers_are_added_until_they_are_forgotten(broker: Broker) -> None:
    grant(broker, pcp(peers=(PEERS,)))
    added = grant(broker, pcp(peers=(OTHER_PEERS, PEERS)))
    assert added.peers == (PEERS, OTHER_PEERS)
    assert grant(broker, pcp()).peers == added.peers
    changed = grant(broker, pcp(peers=(OTHER_PEERS,), forget_peers=True))
    assert changed.peers == (OTHER_PEERS,)
    assert grant(broker, pcp(forget_peers=True)).peers == ()


def test_peers_can_be_said_of_a_lease_that_was_for_all(broker: Broker) -> None:
    grant(broker, pcp())
    assert grant(broker, pcp(peers=(PEERS,))).peers == (PEERS,)


def test_more_peers_than_can_be_kept_are_refused_and_nothing_changes(
    gateway: Surroundings,
) -> None:
    broker = new_broker(gateway, Limits(peers=1))
    both = pcp(peers=(PEERS, OTHER_PEERS))
    assert refusal(broker.ask(both, NOON)) is Refusal.PEERS
    assert not broker.leases
    lease = grant(broker, pcp(peers=(PEERS,)))
    outcome = broker.ask(pcp(peers=(OTHER_PEERS,)), NOON)
    assert refusal(outcome) is Refusal.PEERS
    assert broker.leases == (lease,)


def test_a_filter_that_another_protocol_would_undo_is_refused(broker: Broker) -> None:
    grant(broker, upnp(8080, 8080))
    assert refusal(broker.ask(pcp(peers=(PEERS,)), NOON)) is Refusal.PEERS
    grant(broker, pcp())
    assert refusal(broker.ask(pcp(peers=(PEERS,)), NOON)) is Refusal.PEERS


def test_peers_of_all_protocols_may_call(broker: Broker) -> None:
    grant(broker, pcp(8080, 8080, peers=(PEERS,)))
    lease = grant(broker, upnp(8080, 8080, peers=(OTHER_PEERS,)))
    assert lease.peers == (PEERS, OTHER_PEERS)
    assert grant(broker, upnp(8080, 8080, forget_peers=True)).peers == ()


# ---- several protocols for one mapping ----------------------------------------------------


def test_a_program_that_asks_by_all_protocols_has_one_lease(broker: Broker) -> None:
    # libtorrent asks by PCP and UPnP at once, for the same port.
    lease = grant(broker, pcp(6881, 6881))
    assert grant(broker, upnp(6881, 6881)).lease_id == lease.lease_id
    assert grant(broker, natpmp(6881, 6881)).lease_id == lease.lease_id
    assert len(broker.leases) == 1


def test_a_lease_goes_with_its_last_claim(broker: Broker) -> None:
    grant(broker, upnp())
    both = grant(broker, pcp())
    outcome = broker.release(pcp(), NOON)
    assert isinstance(outcome, Released)
    assert outcome.before == both
    assert outcome.after is not None
    assert [claim.asked_by for claim in outcome.after.claims] == [AskedBy.UPNP]
    # Asked again because the answer was lost, the answer is the same.
    assert refusal(broker.release(pcp(), NOON)) is Refusal.NOT_FOUND
    last = broker.release_external(NAS, TCP, 8080, NOON)
    assert last == Released(outcome.after, None)
    assert not broker.leases


def test_every_claim_has_its_own_time(broker: Broker) -> None:
    grant(broker, upnp(peers=(PEERS,), lifetime=7200))
    lease = grant(broker, pcp(lifetime=3600))
    assert (lease.due, lease.expires) == (NOON + HOUR, NOON + 2 * HOUR)
    [first] = broker.expire(NOON + HOUR)
    assert first.after is not None
    # Now that the claim for all has gone, the lease is for some.
    assert (first.before.peers, first.after.peers) == ((), (PEERS,))
    assert broker.next_expiry() == NOON + 2 * HOUR
    [last] = broker.expire(NOON + 2 * HOUR)
    assert last.after is None


def test_claims_that_end_together_are_one_end(broker: Broker) -> None:
    grant(broker, upnp())
    lease = grant(broker, pcp())
    assert broker.expire(NOON + HOUR) == [Released(lease, None)]


def test_what_is_mapped_already_is_the_answer_to_another_protocol(
    broker: Broker,
) -> None:
    # syncthing asks by NAT-PMP and UPnP for the same port with other external ports.
    lease = grant(broker, upnp(22000, 40000))
    assert grant(broker, natpmp(22000, 50000)).lease_id == lease.lease_id
    second = grant(broker, upnp(22000, 50000))
    assert second.external_port == 50000
    assert len(broker.leases) == 2
    assert grant(broker, natpmp(22000, 50000)).lease_id == lease.lease_id
    assert grant(broker, pcp(22000, 50000)).lease_id == second.lease_id


# ---- UPnP ----------------------------------------------------------------------------------


def test_upnp_gives_a_device_any_number_of_external_ports_for_one_port(
    broker: Broker,
) -> None:
    ports = [grant(broker, upnp(80, port)).external_port for port in (8080, 8081)]
    assert ports == [8080, 8081]


def test_upnp_leads_an_external_port_elsewhere_for_the_same_device(
    broker: Broker,
) -> None:
    before = grant(broker, upnp(80, 8080))
    outcome = broker.ask(upnp(81, 8080, description="new"), NOON)
    assert isinstance(outcome, Granted)
    assert outcome.before == before
    assert outcome.lease.port == 81
    assert outcome.lease.lease_id == before.lease_id
    assert broker.leases == (outcome.lease,)
    assert refusal(broker.release(upnp(80, 1, exact=False), NOON)) is Refusal.NOT_FOUND


def test_upnp_leads_no_port_elsewhere_that_another_protocol_asked_for(
    broker: Broker,
) -> None:
    lease = grant(broker, pcp(80, 8080))
    assert refusal(broker.ask(upnp(81, 8080), NOON)) is Refusal.PORT_TAKEN
    both = grant(broker, upnp(80, 8080))
    assert both.lease_id == lease.lease_id
    assert refusal(broker.ask(upnp(81, 8080), NOON)) is Refusal.PORT_TAKEN
    assert broker.leases == (both,)


def test_upnp_does_not_give_a_port_of_somebody_else(
    broker: Broker, gateway: Surroundings
) -> None:
    gateway.taken.add((TCP, 7000))
    grant(broker, upnp(80, 8080, device=PC))
    assert refusal(broker.ask(upnp(80, 8080), NOON)) is Refusal.PORT_TAKEN
    assert refusal(broker.ask(upnp(80, 7000), NOON)) is Refusal.PORT_TAKEN
    assert refusal(broker.ask(upnp(80, 80), NOON)) is Refusal.PORT_FORBIDDEN


def test_upnp_gives_another_port_to_who_takes_any(broker: Broker) -> None:
    grant(broker, upnp(80, 8080, device=PC))
    any_port = upnp(80, 8080, exact=False)
    lease = grant(broker, any_port)
    assert lease.external_port != 8080
    assert grant(broker, any_port) == lease


def test_upnp_ends_what_it_made_and_nothing_else(
    broker: Broker, gateway: Surroundings
) -> None:
    gateway.taken.add((TCP, 7000))
    grant(broker, upnp(80, 8080, device=PC))
    grant(broker, pcp(81, 8081))
    for port, reason in (
        (8080, Refusal.NOT_OWNER),
        (8081, Refusal.NOT_OWNER),
        (7000, Refusal.NOT_OWNER),
        (8082, Refusal.NOT_FOUND),
    ):
        outcome = broker.release_external(NAS, TCP, port, NOON)
        assert refusal(outcome) is reason
    assert len(broker.leases) == 2


# ---- NAT-PMP: all at once --------------------------------------------------------------------


def test_all_of_a_device_by_nat_pmp_end_and_nothing_else(broker: Broker) -> None:
    gone = [grant(broker, natpmp(port, port)) for port in (2000, 2001)]
    both = [grant(broker, natpmp(2002, 2002)), grant(broker, upnp(2002, 2002))][-1]
    kept = [
        grant(broker, natpmp(2000, 2000, transport=UDP)),
        grant(broker, pcp(2003, 2003)),
        grant(broker, natpmp(2000, 3000, device=PC)),
    ]
    released, refused = broker.release_all(NAS, TCP, NOON)
    assert refused is None
    assert ended(released) == gone
    assert {lease.lease_id for lease in broker.leases} == {
        lease.lease_id for lease in (both, *kept)
    }
    assert broker.release_all(NAS, TCP, NOON) == ((), None)


def test_all_end_but_a_share_and_that_is_said(
    broker: Broker, gateway: Surroundings
) -> None:
    gateway.shares[NAS, TCP, 443] = 443
    lease = grant(broker, natpmp())
    released, refused = broker.release_all(NAS, TCP, NOON)
    assert ended(released) == [lease]
    assert refused == Refused(Refusal.NOT_OWNER)


# ---- IPv6 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suggested", [0, 443, 8080, 50000])
def test_an_ipv6_lease_is_of_the_port_itself(broker: Broker, suggested: int) -> None:
    lease = grant(broker, pcp(8080, suggested, address=IPV6))
    assert (lease.address, lease.external_port) == (IPV6, 8080)
    assert lease.family is Family.IPV6
    assert broker.holder(TCP, 8080) is None


def test_an_ipv6_lease_is_of_one_address_and_in_nobodys_way(broker: Broker) -> None:
    other = IPV6 + 1
    wishes = [pcp(8080, 8080, address=each) for each in (None, IPV6, other)]
    wishes.append(pcp(8080, 8080, address=IPV6 + 2, device=PC))
    leases = [grant(broker, wish) for wish in wishes]
    assert [lease.external_port for lease in leases] == [8080] * 4
    assert broker.release(wishes[2], NOON) == Released(leases[2], None)
    # There is nothing to wait for: the address is the device's own.
    assert grant(broker, wishes[2]).external_port == 8080


def test_who_insists_on_another_port_over_ipv6_gets_none(broker: Broker) -> None:
    wish = pcp(8080, 8081, address=IPV6, exact=True)
    assert refusal(broker.ask(wish, NOON)) is Refusal.PORT_TAKEN
    grant(broker, replace(wish, external_port=8080))


@pytest.mark.parametrize(("transport", "port"), [(TCP, 22), (UDP, 5351)])
def test_ports_that_are_not_given_are_not_opened_over_ipv6_either(
    broker: Broker, transport: Transport, port: int
) -> None:
    outcome = broker.ask(pcp(port, transport=transport, address=IPV6), NOON)
    assert refusal(outcome) is Refusal.NOT_PERMITTED


def test_a_pinhole_by_upnp_and_pcp_is_one_lease(broker: Broker) -> None:
    lease = grant(broker, pcp(8080, address=IPV6))
    pinhole = upnp(8080, 8080, address=IPV6, exact=False)
    assert grant(broker, pinhole).lease_id == lease.lease_id
    broker.release(pcp(8080, address=IPV6), NOON)
    outcome = broker.release(pinhole, NOON)
    assert isinstance(outcome, Released)
    assert outcome.after is None


# ---- the user's own shares ----------------------------------------------------------------------


def test_a_share_is_the_answer_where_it_leads_there_already(
    broker: Broker, gateway: Surroundings
) -> None:
    gateway.shares[NAS, TCP, 443] = 8443
    assert broker.ask(pcp(443, 50000), NOON) == Shared(8443)
    assert broker.ask(pcp(443, 8443, exact=True), NOON) == Shared(8443)
    outcome = broker.ask(pcp(443, 50000, exact=True), NOON)
    assert refusal(outcome) is Refusal.PORT_TAKEN
    assert not broker.leases


def test_a_filter_that_a_share_would_undo_is_refused(
    broker: Broker, gateway: Surroundings
) -> None:
    gateway.shares[(NAS, TCP, 8080)] = 40080
    assert refusal(broker.ask(pcp(peers=(PEERS,)), NOON)) is Refusal.PEERS
    assert not broker.leases


@pytest.mark.parametrize("wish", [pcp(443), natpmp(443)])
def test_a_device_cannot_end_a_share(
    broker: Broker, gateway: Surroundings, wish: Wish
) -> None:
    gateway.shares[NAS, TCP, 443] = 443
    assert refusal(broker.release(wish, NOON)) is Refusal.NOT_OWNER


def test_upnp_does_not_touch_a_share(broker: Broker, gateway: Surroundings) -> None:
    gateway.shares[NAS, TCP, 443] = 8443
    gateway.taken.add((TCP, 8443))
    assert refusal(broker.ask(upnp(443, 8443), NOON)) is Refusal.PORT_TAKEN
    assert grant(broker, upnp(443, 50000)).external_port == 50000


@pytest.mark.parametrize("wish", [pcp(), natpmp(), upnp(exact=False), upnp()])
def test_to_end_what_is_not_there_finds_nothing(broker: Broker, wish: Wish) -> None:
    assert refusal(broker.release(wish, NOON)) is Refusal.NOT_FOUND


# ---- permission -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wish", [pcp(), natpmp(), upnp(), upnp(exact=False), pcp(address=IPV6)]
)
def test_a_device_without_permission_gets_nothing_and_that_is_told(
    broker: Broker, wish: Wish
) -> None:
    wish = replace(wish, device=GUEST)
    outcome = broker.ask(wish, NOON)
    assert outcome == NotAuthorized(wish, "1")
    assert outcome.reason is Refusal.NOT_PERMITTED
    assert not broker.leases
    assert GUEST not in broker.askers


def test_the_devices_that_made_use_of_their_permission_are_known(
    broker: Broker,
) -> None:
    grant(broker, pcp())
    broker.release(pcp(), NOON)
    assert NAS in broker.askers
    assert PC not in broker.askers


def test_a_request_is_told_once_an_hour_by_whatever_protocol_it_comes(
    broker: Broker,
) -> None:
    wishes = (pcp, natpmp, upnp)
    told = [
        request_id(broker.ask(wish(device=GUEST), NOON + minute * MINUTE))
        for minute in range(0, 120, 10)
        for wish in wishes
    ]
    assert told == ["1", *[None] * 17, "1", *[None] * 17]
    assert TELL_EVERY == HOUR


def test_each_port_is_a_request_of_its_own(broker: Broker) -> None:
    wish = pcp(device=GUEST)
    others = (replace(wish, port=1), replace(wish, transport=UDP))
    told = [request_id(broker.ask(each, NOON)) for each in (wish, *others)]
    assert told == ["1", "2", "3"]


def test_who_asks_for_more_than_it_could_have_is_not_told(broker: Broker) -> None:
    told = [
        request_id(broker.ask(pcp(port, device=GUEST), NOON)) for port in range(1, 100)
    ]
    assert [bool(each) for each in told] == [True] * 32 + [False] * 67
    assert request_id(broker.ask(pcp(1, device="another"), NOON)) is not None


def test_many_devices_cannot_ask_for_more_than_all_could_have(broker: Broker) -> None:
    told = [
        request_id(broker.ask(pcp(device=f"spoofed {number}"), NOON))
        for number in range(300)
    ]
    assert [bool(each) for each in told] == [True] * 256 + [False] * 44
    # After a day there is room again.
    assert request_id(broker.ask(pcp(device=GUEST), NOON + ANSWERABLE_FOR)) is not None


def test_approved_once_a_mapping_is_granted_when_asked_for_in_ten_minutes(
    broker: Broker,
) -> None:
    wish = pcp(8080, 8080, device=GUEST)
    number = request_id(broker.ask(wish, NOON)) or ""
    assert broker.answer(number, Answer.ONCE, NOON) == wish
    soon = NOON + APPROVED_FOR - SECOND
    # Not another one.
    assert request_id(broker.ask(pcp(8081, device=GUEST), soon)) is not None
    lease = grant(broker, wish, soon)
    assert lease.approved
    # The mapping lasts for as long as the device keeps it, and by all protocols.
    kept = grant(broker, wish, NOON + HOUR)
    assert kept.expires == NOON + 2 * HOUR
    assert grant(broker, upnp(8080, 8080, device=GUEST), NOON + HOUR).approved
    assert GUEST not in broker.askers
    # But it leads where it did.
    elsewhere = upnp(9090, 8080, device=GUEST)
    assert isinstance(broker.ask(elsewhere, NOON + HOUR), NotAuthorized)


def test_after_ten_minutes_a_mapping_that_was_approved_once_is_asked_about_again(
    broker: Broker,
) -> None:
    wish = pcp(device=GUEST)
    broker.answer(request_id(broker.ask(wish, NOON)) or "", Answer.ONCE, NOON)
    assert request_id(broker.ask(wish, NOON + APPROVED_FOR)) == "2"


def test_a_denied_request_is_quiet_for_a_day(broker: Broker) -> None:
    wish = pcp(device=GUEST)
    broker.answer(request_id(broker.ask(wish, NOON)) or "", Answer.NO, NOON)
    for hours in range(24):
        assert broker.ask(wish, NOON + hours * HOUR) == NotAuthorized(wish, None)
    assert request_id(broker.ask(wish, NOON + QUIET_FOR)) == "2"
    # Others are not.
    assert request_id(broker.ask(pcp(1, device=GUEST), NOON)) == "3"


def test_always_is_up_to_the_caller(broker: Broker, gateway: Surroundings) -> None:
    wish = pcp(device=GUEST)
    number = request_id(broker.ask(wish, NOON)) or ""
    gateway.permitted.add(broker.answer(number, Answer.ALWAYS, NOON).device)
    assert not grant(broker, wish, NOON + 30 * HOUR).approved


def test_a_request_can_be_answered_once_and_for_a_day(broker: Broker) -> None:
    number = request_id(broker.ask(pcp(device=GUEST), NOON)) or ""
    with pytest.raises(UnknownRequest):
        broker.answer("another", Answer.ONCE, NOON)
    with pytest.raises(UnknownRequest):
        broker.answer(number, Answer.ONCE, NOON + ANSWERABLE_FOR)
    number = request_id(broker.ask(pcp(device=GUEST), NOON)) or ""
    broker.answer(number, Answer.NO, NOON)
    with pytest.raises(UnknownRequest):
        broker.answer(number, Answer.ONCE, NOON)


def test_with_the_permission_all_leases_of_a_device_end(broker: Broker) -> None:
    leases = [
        grant(broker, pcp(2000)),
        grant(broker, pcp(2000, address=IPV6)),
        grant(broker, upnp(2001, 2001)),
    ]
    other = grant(broker, pcp(device=PC))
    assert ended(broker.revoke(NAS, NOON)) == leases
    assert broker.leases == (other,)
    assert broker.leases_of(NAS) == ()


def test_one_lease_can_be_ended_by_the_gateway_itself(broker: Broker) -> None:
    grant(broker, pcp(2000, 2000, address=IPV6))
    lease = grant(broker, upnp(2000, 2000, address=IPV6, exact=False))
    kept = grant(broker, pcp(2000))
    assert broker.end(lease.lease_id, NOON) == Released(lease, None)
    assert broker.end(lease.lease_id, NOON) is None
    assert broker.leases == (kept,)


# ---- what the kernel refuses ------------------------------------------------------------------------


def granted(broker: Broker, wish: Wish, now: datetime = NOON) -> Granted:
    outcome = broker.ask(wish, now)
    assert isinstance(outcome, Granted)
    return outcome


def test_a_new_lease_can_be_taken_back(broker: Broker) -> None:
    outcome = granted(broker, pcp(8080, 8080))
    broker.undo(outcome)
    assert not broker.leases
    assert grant(broker, pcp(9090, 8080, device=PC)).external_port == 8080
    broker.undo(outcome)
    assert len(broker.leases) == 1


@pytest.mark.parametrize("again", [upnp(8080, 8080, lifetime=60), upnp(9090, 8080)])
def test_a_changed_lease_can_be_changed_back(broker: Broker, again: Wish) -> None:
    before = grant(broker, upnp(8080, 8080))
    broker.undo(granted(broker, again))
    assert broker.leases == (before,)
    assert broker.next_expiry() == NOON + HOUR
    assert grant(broker, upnp(8080, 8080)) == before


@pytest.mark.parametrize("order", [1, -1])
def test_asked_for_twice_in_one_batch_a_lease_is_taken_back_in_any_order(
    broker: Broker, order: int
) -> None:
    both = [granted(broker, pcp(8080, 8080)), granted(broker, upnp(8080, 8080))]
    assert len(broker.leases) == 1
    for outcome in both[::order]:
        broker.undo(outcome)
    assert not broker.leases


def test_what_was_granted_later_is_not_taken_back(broker: Broker) -> None:
    grant(broker, pcp())
    failed = granted(broker, pcp(lifetime=200))
    later = grant(broker, pcp(lifetime=300))
    broker.undo(failed)
    assert broker.leases == (later,)


def released(broker: Broker, wish: Wish, now: datetime = NOON) -> Released:
    outcome = broker.release(wish, now)
    assert isinstance(outcome, Released)
    return outcome


@pytest.mark.parametrize("family", Family)
def test_a_lease_that_cannot_end_is_there_again(broker: Broker, family: Family) -> None:
    address = IPV6 if family is Family.IPV6 else None
    wish = pcp(8080, 8080, address=address, peers=(PEERS,))
    lease = grant(broker, wish)
    broker.undo(released(broker, wish))
    assert broker.leases == broker.leases_of(NAS) == (lease,)
    assert broker.next_expiry() == NOON + HOUR
    forged = replace(wish, nonce=b"another one!")
    assert refusal(broker.ask(forged, NOON)) is Refusal.OTHER_NONCE
    assert ended(broker.expire(NOON + HOUR)) == [lease]


def test_the_port_of_a_lease_that_cannot_end_is_taken_and_rests_when_it_ends(
    broker: Broker,
) -> None:
    grant(broker, pcp(8080, 8080))
    broker.undo(released(broker, pcp(8080)))
    later = NOON + REST
    assert grant(broker, pcp(9090, 8080, device=PC), later).external_port != 8080
    released(broker, pcp(8080), later)
    soon, rested = later + MINUTE, later + REST
    assert grant(broker, pcp(9091, 8080, device=PC), soon).external_port != 8080
    assert grant(broker, pcp(9092, 8080, device=PC), rested).external_port == 8080


def test_a_lease_that_cannot_end_counts(gateway: Surroundings) -> None:
    broker = new_broker(gateway, Limits(of_device=2))
    fill(broker, 2)
    broker.undo(released(broker, pcp(20_000)))
    assert refusal(broker.ask(pcp(), NOON)) is Refusal.QUOTA


def test_a_claim_that_cannot_end_is_there_again(broker: Broker) -> None:
    grant(broker, pcp(8080, 8080))
    lease = grant(broker, upnp(8080, 8080))
    broker.undo(released(broker, pcp(8080)))
    assert broker.leases == (lease,)


@pytest.mark.parametrize("order", [1, -1])
def test_claims_that_should_have_ended_together_are_there_again_in_any_order(
    broker: Broker, order: int
) -> None:
    grant(broker, pcp(8080, 8080))
    before = grant(broker, upnp(8080, 8080))
    both = [released(broker, pcp(8080)), released(broker, upnp(8080, 8080))]
    assert not broker.leases
    for outcome in both[::order]:
        broker.undo(outcome)
    (lease,) = broker.leases
    assert {*lease.claims} == {*before.claims}
    assert replace(lease, claims=before.claims) == before


@pytest.mark.parametrize("order", [1, -1])
def test_renewals_of_two_protocols_are_taken_back_in_any_order(
    broker: Broker, order: int
) -> None:
    wishes = [pcp(8080, 8080), upnp(8080, 8080)]
    for wish in wishes:
        grant(broker, wish)
    (before,) = broker.leases
    both = [granted(broker, wish, NOON + MINUTE) for wish in wishes]
    for outcome in both[::order]:
        broker.undo(outcome)
    (lease,) = broker.leases
    assert {*lease.claims} == {*before.claims}


def test_a_claim_that_was_made_anew_is_not_replaced_by_one_that_could_not_end(
    broker: Broker,
) -> None:
    grant(broker, pcp(8080, 8080))
    grant(broker, upnp(8080, 8080))
    failed = released(broker, pcp(8080))
    later = grant(broker, pcp(8080, lifetime=7200))
    broker.undo(failed)
    (lease,) = broker.leases
    assert {*lease.claims} == {*later.claims}


def test_a_lease_that_cannot_end_does_not_take_its_port_from_another(
    broker: Broker,
) -> None:
    grant(broker, pcp(8080, 8080))
    failed = released(broker, pcp(8080))
    other = grant(broker, pcp(9090, 8080))
    assert other.external_port == 8080
    broker.undo(failed)
    assert broker.leases == (other,)


def test_a_renewal_that_fails_does_not_bring_an_ended_lease_back(
    broker: Broker,
) -> None:
    grant(broker, pcp())
    failed = granted(broker, pcp(), NOON + MINUTE)
    released(broker, pcp())
    broker.undo(failed)
    assert not broker.leases


# ---- protocols that are no longer served ------------------------------------------------


def test_claims_by_protocols_that_are_not_served_end(broker: Broker) -> None:
    kept = grant(broker, pcp(8080, 8080))
    grant(broker, upnp(8080, 8080))
    gone = [grant(broker, upnp(9090, 9090)), grant(broker, natpmp(9091, device=PC))]
    withdrawn = broker.withdraw({AskedBy.UPNP, AskedBy.NATPMP}, NOON)
    assert ended(withdrawn) == gone
    assert [each.after for each in withdrawn] == [kept, None, None]
    assert broker.leases == (kept,)
    assert broker.next_expiry() == NOON + HOUR


def test_filters_of_the_claims_that_are_left_hold_again(broker: Broker) -> None:
    grant(broker, upnp(8080, 8080, peers=(PEERS,)))
    assert grant(broker, natpmp(8080, 8080)).peers == ()
    (withdrawn,) = broker.withdraw({AskedBy.NATPMP}, NOON)
    assert withdrawn.after is not None
    assert withdrawn.after.peers == (PEERS,)


def test_ports_of_withdrawn_leases_rest(broker: Broker) -> None:
    grant(broker, upnp(8080, 8080))
    broker.withdraw({AskedBy.UPNP}, NOON)
    assert grant(broker, pcp(8080, 8080, device=PC)).external_port != 8080


def test_nothing_is_withdrawn_if_all_protocols_are_served(broker: Broker) -> None:
    lease = grant(broker, pcp())
    assert not broker.withdraw(set(), NOON)
    assert broker.leases == (lease,)


# ---- epoch and restart --------------------------------------------------------------------------------


def test_the_epoch_time_counts_seconds(broker: Broker) -> None:
    assert broker.epoch_time(NOON) == 0
    assert broker.epoch_time(NOON + 1.9 * SECOND) == 1
    assert broker.epoch_time(NOON + HOUR) == 3600


def test_the_epoch_time_fits_its_field_even_if_the_clock_is_put_back(
    broker: Broker,
) -> None:
    assert broker.epoch_time(NOON - HOUR) == 0
    assert broker.epoch_time(NOON + (2**32 + 5) * SECOND) == 5


def test_a_new_epoch_begins_at_zero(broker: Broker) -> None:
    broker.begin_epoch(NOON + HOUR)
    assert broker.epoch_time(NOON + HOUR + SECOND) == 1


def restarted(broker: Broker, gateway: Surroundings, now: datetime) -> Broker:
    stored = json.loads(json.dumps(broker.as_dict()))
    after = Broker(gateway, lambda: "after", now)
    after.restore(stored, now)
    return after


def test_a_restart_loses_nothing(broker: Broker, gateway: Surroundings) -> None:
    grant(broker, pcp(8080, 8080, description="Wéb", peers=(PEERS, OTHER_PEERS)))
    grant(broker, upnp(8080, 8080, lifetime=7200))
    sixth = IPv6Network("2001:db8:2::/48")
    grant(broker, pcp(8080, address=IPV6, peers=(sixth,), client_port=5350))
    guest = pcp(device=GUEST)
    broker.answer(request_id(broker.ask(guest, NOON)) or "", Answer.ONCE, NOON)
    grant(broker, guest)

    after = restarted(broker, gateway, NOON + MINUTE)
    assert after.leases == broker.leases
    assert after.askers == broker.askers
    assert after.epoch_time(NOON + MINUTE) == 60
    assert after.next_expiry() == NOON + HOUR
    forged = pcp(8080, nonce=b"another one!")
    assert refusal(after.ask(forged, NOON + MINUTE)) is Refusal.OTHER_NONCE
    assert grant(after, guest, NOON + MINUTE).approved


def test_what_ended_during_a_restart_is_gone(
    broker: Broker, gateway: Surroundings
) -> None:
    grant(broker, pcp(8080))
    kept = grant(broker, upnp(9090, 9090, lifetime=7200))
    assert restarted(broker, gateway, NOON + HOUR).leases == (kept,)


# ---- any sequence of steps ------------------------------------------------------------------------------

DEVICES = (NAS, PC, GUEST)
FEW = Limits(of_device=3, in_all=5, peers=2)

devices = st.sampled_from(DEVICES)
few_ports = st.sampled_from([80, 1900, 2000, 2001, 2002, 5351])
few_transports = st.sampled_from([TCP, UDP])
peers = st.lists(
    st.sampled_from([PEERS, OTHER_PEERS, IPv4Network("198.51.100.128/25")])
)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    device = draw(devices)
    asked_by = draw(st.sampled_from(AskedBy))
    own_address = IPV6 + DEVICES.index(device)
    is_pcp = asked_by is AskedBy.PCP
    return Wish(
        device=device,
        asked_by=asked_by,
        transport=draw(few_transports),
        port=draw(few_ports),
        external_port=draw(few_ports | st.just(0)),
        exact=asked_by is not AskedBy.NATPMP and draw(st.booleans()),
        lifetime=draw(st.integers(1, 2**32 - 1) | st.sampled_from([120, 3600])),
        nonce=draw(st.sampled_from([NONCE, b"another one!"])) if is_pcp else b"",
        peers=tuple(draw(peers)) if is_pcp else (),
        forget_peers=is_pcp and draw(st.booleans()),
        address=draw(st.sampled_from([None, None, own_address])),
    )


class AnySteps(RuleBasedStateMachine):
    """What is true of the leases after whatever devices and the user have done."""

    @initialize()
    def begin(self) -> None:
        self.gateway = Surroundings(taken={(TCP, 2001)}, shares={(NAS, TCP, 80): 2001})
        self.ids = map(str, count(1))
        self.now = NOON
        self.broker = Broker(self.gateway, lambda: next(self.ids), NOON, FEW)
        self.approved: dict[tuple[str, Transport, int], datetime] = {}
        self.told: list[str] = []
        self.grants: list[Granted] = []

    @rule(wish=wishes())
    def ask(self, wish: Wish) -> None:
        before = self.broker.leases
        outcome = self.broker.ask(wish, self.now)
        if isinstance(outcome, Granted):
            self.check_permission(wish, outcome)
            self.check_lease(wish, outcome)
            self.grants.append(outcome)
            return
        assert self.broker.leases == before
        if isinstance(outcome, NotAuthorized):
            assert wish.device not in self.gateway.permitted
            self.told += filter(None, [outcome.request_id])
        elif refusal_or_none(outcome) is Refusal.PORT_TAKEN:
            assert wish.exact

    def check_permission(self, wish: Wish, outcome: Granted) -> None:
        if wish.device in self.gateway.permitted:
            return
        until = self.approved.get((wish.device, wish.transport, wish.port), NOON)
        before = outcome.before
        assert self.now < until or (before and before.approved)
        assert before is None or before.place == wish.place

    def check_lease(self, wish: Wish, outcome: Granted) -> None:
        lease, before = outcome.lease, outcome.before
        assert lease.place == wish.place
        assert not wish.exact or lease.external_port == wish.external_port
        assert 0 < outcome.lifetime <= wish.lifetime
        claim = lease.claim(wish.asked_by)
        assert claim is not None
        assert claim.expires == self.now + outcome.lifetime * SECOND
        assert set(wish.peers) <= set(claim.peers)
        assert not wish.peers or lease.peers
        if before is not None:
            assert lease.device == before.device
            assert lease.external_port == before.external_port
            held = before.claim(wish.asked_by)
            assert held is None or held.nonce == wish.nonce
            others = {*before.claims} - {held}
            assert others == {*lease.claims} - {claim}

    def by_id(self) -> dict[str, Lease]:
        return {lease.lease_id: lease for lease in self.broker.leases}

    @rule(wish=wishes(), refused=st.booleans())
    def release(self, wish: Wish, refused: bool) -> None:
        before = self.by_id()
        outcome = self.broker.release(wish, self.now)
        after = self.by_id()
        changed = [each for each in before if before[each] != after.get(each)]
        if isinstance(outcome, Released):
            assert changed == [outcome.before.lease_id]
            assert outcome.before.device == wish.device
            claim = outcome.before.claim(wish.asked_by)
            assert claim is not None
            assert claim.nonce == wish.nonce
            if refused:
                self.broker.undo(outcome)
                assert self.by_id() == before
        else:
            assert not changed

    @rule(device=devices, transport=few_transports, refused=st.booleans())
    def release_all(self, device: str, transport: Transport, refused: bool) -> None:
        before = self.by_id()
        released, _ = self.broker.release_all(device, transport, self.now)
        if refused:
            for outcome in released:
                self.broker.undo(outcome)
            assert self.by_id() == before
            return
        assert not any(
            lease.transport is transport and lease.claim(AskedBy.NATPMP)
            for lease in self.broker.leases_of(device)
        )

    @rule(device=devices, transport=few_transports, port=few_ports)
    def release_external(self, device: str, transport: Transport, port: int) -> None:
        outcome = self.broker.release_external(device, transport, port, self.now)
        if isinstance(outcome, Released):
            assert outcome.before.device == device

    @rule(protocols=st.sets(st.sampled_from(AskedBy)))
    def withdraw(self, protocols: set[AskedBy]) -> None:
        before = self.by_id()
        withdrawn = self.broker.withdraw(protocols, self.now)
        assert {each.before.lease_id for each in withdrawn} == {
            lease_id
            for lease_id, lease in before.items()
            if any(claim.asked_by in protocols for claim in lease.claims)
        }
        for lease_id, lease in self.by_id().items():
            left = [
                claim
                for claim in before[lease_id].claims
                if claim.asked_by not in protocols
            ]
            assert [*lease.claims] == left

    @rule(device=devices)
    def permit(self, device: str) -> None:
        self.gateway.permitted.add(device)

    @rule(device=devices)
    def revoke(self, device: str) -> None:
        self.gateway.permitted.discard(device)
        self.broker.revoke(device, self.now)
        assert not self.broker.leases_of(device)

    @rule(data=st.data(), answer=st.sampled_from(Answer))
    def answer(self, data: st.DataObject, answer: Answer) -> None:
        if self.told:
            number = data.draw(st.sampled_from(self.told))
            try:
                wish = self.broker.answer(number, answer, self.now)
            except UnknownRequest:
                return
            if answer is Answer.ONCE:
                topic = (wish.device, wish.transport, wish.port)
                self.approved[topic] = self.now + APPROVED_FOR

    @rule(internet=st.sets(st.sampled_from(Family)))
    def internet(self, internet: set[Family]) -> None:
        self.gateway.internet = internet

    @rule(seconds=st.sampled_from([1, 60, 119, 120, 601, 3600, 90_000]))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.broker.expire(self.now)

    @rule()
    def kernel_refuses(self) -> None:
        if self.grants:
            outcome = self.grants.pop()
            self.broker.undo(outcome)
            if outcome.before is None:
                assert outcome.lease.lease_id not in self.by_id()
            self.broker.expire(self.now)
        # What was granted before that has been committed.
        self.grants.clear()

    @rule()
    def restart(self) -> None:
        stored = json.loads(json.dumps(self.broker.as_dict()))
        after = Broker(self.gateway, lambda: next(self.ids), self.now, FEW)
        after.restore(stored, self.now)
        assert after.leases == self.broker.leases
        assert after.epoch_time(self.now) == self.broker.epoch_time(self.now)
        self.broker = after
        self.grants.clear()
        self.approved.clear()
        self.told.clear()

    @invariant()
    def nobody_has_too_much(self) -> None:
        assert len(self.broker.leases) <= FEW.in_all
        for device in DEVICES:
            assert len(self.broker.leases_of(device)) <= FEW.of_device
        for lease in self.broker.leases:
            assert all(len(claim.peers) <= FEW.peers for claim in lease.claims)

    @invariant()
    def an_external_port_is_held_once_and_may_be_held(self) -> None:
        held = [
            (lease.transport, lease.external_port)
            for lease in self.broker.leases
            if lease.family is Family.IPV4
        ]
        assert len(held) == len(set(held))
        for transport, port in held:
            assert port >= FEW.lowest_port
            assert not self.gateway.reserved(transport, port)
            assert (transport, port) not in {(UDP, 1900), (UDP, 5350), (UDP, 5351)}
            tcp, udp = self.broker.holder(TCP, port), self.broker.holder(UDP, port)
            assert tcp is None or udp is None or tcp.device == udp.device

    @invariant()
    def only_who_may_has_leases(self) -> None:
        for lease in self.broker.leases:
            assert lease.device in self.gateway.permitted or lease.approved

    @invariant()
    def a_port_of_a_device_is_mapped_once_by_pcp_and_once_by_natpmp(self) -> None:
        for asked_by in (AskedBy.PCP, AskedBy.NATPMP):
            places = [
                lease.place for lease in self.broker.leases if lease.claim(asked_by)
            ]
            assert len(places) == len(set(places))

    @invariant()
    def ipv6_ports_stay_what_they_are(self) -> None:
        for lease in self.broker.leases:
            assert lease.address is None or lease.external_port == lease.port

    @invariant()
    def every_lease_is_found_by_all_its_keys(self) -> None:
        leases = self.broker.leases
        by_device = [
            each for device in DEVICES for each in self.broker.leases_of(device)
        ]
        assert {*by_device} == {*leases}
        assert len(by_device) == len(leases)
        for lease in leases:
            if lease.address is None:
                assert self.broker.holder(lease.transport, lease.external_port) is lease
        index = self.broker._leases
        assert sum(map(len, index._places.values())) == len(leases)
        assert all(index._places.values())
        assert all(index._devices.values())

    @invariant()
    def the_next_end_is_known(self) -> None:
        due = [claim.expires for lease in self.broker.leases for claim in lease.claims]
        assert self.broker.next_expiry() == min(due, default=None)
        assert all(self.now < each for each in due)


def refusal_or_none(outcome: object) -> Refusal | None:
    return outcome.reason if isinstance(outcome, Refused) else None


TestAnySteps = AnySteps.TestCase
