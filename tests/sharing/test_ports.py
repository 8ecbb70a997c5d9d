from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.sharing.model import (
    HIGHEST_PORT,
    PortRange,
    Protocol,
    Share,
    Transport,
)
from custom_components.portshare.sharing.ports import PortIndex, TakenRanges

from .builders import port_numbers, port_ranges, ports, share, share_sets, shares


def claims(wanting: Share) -> set[tuple[str, ...]]:
    """Say port by port what a share needs for itself: the rules in their long form."""
    needed: set[tuple[str, ...]] = set()
    for transport in wanting.protocol.transports:
        if not wanting.protocol.has_ports:
            needed.add(("device", wanting.device_id, transport))
            needed |= {("gateway", transport)} if wanting.ipv4 else set()
            continue
        for offset in range(len(wanting.ports)):
            inside = str(wanting.ports.first + offset)
            outside = str(wanting.external.first + offset)
            needed.add(("device", wanting.device_id, transport, inside))
            if wanting.ipv4:
                needed.add(("gateway", transport, outside))
    return needed


def entitled(some: Iterable[Share]) -> set[str]:
    """Say who gets the ports when everybody asks in the order of age."""
    taken: set[tuple[str, ...]] = set()
    holding = set()
    for wanting in sorted(some, key=lambda each: each.share_id):
        if taken.isdisjoint(claims(wanting)):
            taken |= claims(wanting)
            holding.add(wanting.share_id)
    return holding


def holding(index: PortIndex, some: Iterable[Share]) -> set[str]:
    return {each.share_id for each in some if index.has(each.share_id)}


@given(st.lists(port_ranges()), port_ranges())
def test_taken_ranges_name_everybody_who_holds_a_wanted_port(
    some: list[PortRange], wanted: PortRange
) -> None:
    taken = TakenRanges()
    held: dict[str, PortRange] = {}
    for number, each in enumerate(some):
        if set(taken.holders(each)):
            # Freed and taken turn by turn: the order must not matter.
            for holder in list(taken.holders(each)):
                taken.free(held.pop(holder))
        taken.take(each, str(number))
        held[str(number)] = each
    assert list(taken.holders(wanted)) == [
        holder
        for holder, each in sorted(held.items(), key=lambda entry: entry[1])
        if each.overlaps(wanted)
    ]


@given(st.data(), st.permutations(range(4)))
def test_the_shares_alone_decide_who_holds_a_port_not_how_they_came(
    data: st.DataObject, order: list[int]
) -> None:
    some = list(data.draw(share_sets()).values())
    at_once = PortIndex(some)
    assert holding(at_once, some) == entitled(some)
    in_parts = PortIndex()
    for part in order:
        in_parts.update((), some[part::4])
    assert holding(in_parts, some) == entitled(some)


@given(st.lists(st.tuples(st.sets(st.integers(0, 5)), share_sets()), max_size=6))
def test_every_update_tells_exactly_who_got_or_lost_ports(
    steps: list[tuple[set[int], dict[str, Share]]],
) -> None:
    index = PortIndex()
    there: dict[str, Share] = {}
    for positions, entered in steps:
        gone = {
            share_id for n, share_id in enumerate(there) if n in positions
        } - entered.keys()
        before = holding(index, there.values()) - entered.keys() - gone
        there = {k: v for k, v in there.items() if k not in gone} | entered
        told = index.update(gone, entered.values())
        after = holding(index, there.values())
        assert after == entitled(there.values())
        assert told == before ^ after
        assert not any(map(index.has, gone))


def test_a_share_gets_its_ports_when_the_one_that_held_them_goes() -> None:
    index = PortIndex([share("1", "nas", 80), share("2", "pc", 80)])
    assert not index.has("2")
    assert index.update({"1"}, ()) == {"2"}
    assert index.has("2")


def test_an_older_share_takes_its_ports_back_from_a_younger_one() -> None:
    index = PortIndex([share("2", "pc", 80)])
    assert index.update((), [share("1", "nas", 80)]) == {"1", "2"}
    assert index.has("1")
    assert not index.has("2")


def test_who_gives_way_makes_room_for_those_who_waited_for_it() -> None:
    wide = share("2", "pc", ports(80, 90))
    late = share("3", "console", 90)
    index = PortIndex([wide, late])
    assert not index.has("3")
    assert index.update((), [share("1", "nas", 80)]) == {"1", "2", "3"}
    assert index.has("3")


def test_a_waiting_share_can_go_like_any_other() -> None:
    index = PortIndex([share("1", "nas", 80), share("2", "pc", 80)])
    assert index.update({"2"}, ()) == set()
    assert index.update({"1"}, ()) == set()


@given(share_sets(), shares())
def test_the_holders_of_a_port_are_named(
    others: dict[str, Share], wanting: Share
) -> None:
    others.pop(wanting.share_id, None)
    index = PortIndex(others.values())
    inside = claims(replace(wanting, ipv4=False))
    outside = claims(wanting) - inside
    for wanted, named in (
        (inside, index.device_holders(wanting)),
        (outside, index.external_holders(wanting)),
    ):
        assert {each.share_id for each in named} == {
            share_id
            for share_id in holding(index, others.values())
            if wanted & claims(others[share_id])
        }


def test_a_share_is_not_in_its_own_way() -> None:
    index = PortIndex([share("1", "nas", ports(80, 85))])
    edited = share("1", "nas", ports(84, 89))
    assert not list(index.device_holders(edited))
    assert not list(index.external_holders(edited))


@pytest.mark.parametrize("protocol", [Protocol.UDP, Protocol.TCP])
def test_tcp_and_udp_do_not_get_into_each_others_way(protocol: Protocol) -> None:
    index = PortIndex([share("1", "nas", 80, protocol=protocol)])
    both = share("2", "nas", 80, protocol=Protocol.TCP_UDP)
    assert [each.share_id for each in index.external_holders(both)] == ["1"]
    for other in {Protocol.UDP, Protocol.TCP} - {protocol}:
        assert not list(index.external_holders(replace(both, protocol=other)))


def test_an_ipv6_share_needs_no_external_port_of_the_gateway() -> None:
    index = PortIndex([share("1", "nas", 80), share("2", "pc", 80, ipv4=False)])
    assert index.has("2")


@given(
    share_sets(),
    shares().filter(lambda each: each.protocol.has_ports and each.ipv4),
    port_ranges(port_numbers | st.integers(1, HIGHEST_PORT), longest=HIGHEST_PORT),
    st.frozensets(
        st.tuples(st.sampled_from([Transport.TCP, Transport.UDP]), port_numbers)
    ),
)
def test_the_next_free_port_is_the_first_that_is_free_going_round(
    others: dict[str, Share],
    asking: Share,
    wanted: PortRange,
    served: frozenset[tuple[Transport, int]],
) -> None:
    index = PortIndex(others.values())
    asking = replace(asking, ports=wanted, external=wanted)

    # Every port is a byte, so that bytes.find() is the search.
    taken = bytearray(b"\1" + bytes(HIGHEST_PORT))
    for other in others.values():
        if (
            other.share_id != asking.share_id
            and index.has(other.share_id)
            and {*other.protocol.transports} & {*asking.protocol.transports}
            and other.ipv4
        ):
            span = slice(other.external.first, other.external.last + 1)
            taken[span] = b"\1" * len(other.external)
    for transport, port in served:
        if transport in asking.protocol.transports:
            taken[port] = 1
    run = bytes(len(wanted))
    first = taken.find(run, wanted.first)
    if first < 0:
        first = taken.find(run)

    found = index.next_free_external(asking, served)
    assert found == (ports(first, first + len(wanted) - 1) if first > 0 else None)


def test_the_search_for_a_free_port_goes_round_at_the_last_one() -> None:
    index = PortIndex([share("1", "nas", ports(65534, 65535)), share("2", "pc", 1)])
    assert index.next_free_external(share("3", "console", 65534)) == ports(2)


def test_a_range_found_going_round_may_reach_into_the_one_asked_for() -> None:
    index = PortIndex([share("1", "nas", ports(12, 65535))])
    assert index.next_free_external(share("2", "pc", ports(10, 13))) == ports(1, 4)
    index = PortIndex([share("1", "nas", ports(14, 65535)), share("2", "pc", 9)])
    asked = share("3", "console", ports(11, 14))
    assert index.next_free_external(asked) == ports(1, 4)
    index.update((), [share("4", "console", ports(1, 7))])
    assert index.next_free_external(asked) == ports(10, 13)


def test_nothing_is_proposed_when_every_port_is_taken() -> None:
    index = PortIndex([share("1", "nas", ports(1, 65535))])
    assert index.next_free_external(share("2", "pc", 80)) is None


def test_what_a_share_holds_itself_is_free_for_it() -> None:
    index = PortIndex([share("1", "nas", 80)])
    assert index.next_free_external(share("1", "nas", 80)) == ports(80)


def test_there_is_one_exposed_host_over_ipv4_and_any_number_over_ipv6() -> None:
    exposed = Protocol.EXPOSED_HOST
    index = PortIndex(
        [
            share("1", "nas", protocol=exposed),
            share("2", "pc", protocol=exposed),
            share("3", "console", protocol=exposed, ipv4=False),
        ]
    )
    assert [index.has(each) for each in "123"] == [True, False, True]


def test_a_single_share_and_an_exposed_host_are_not_in_each_others_way() -> None:
    shares = [share("1", "nas", 80), share("2", "nas", protocol=Protocol.EXPOSED_HOST)]
    index = PortIndex(shares)
    assert holding(index, shares) == {"1", "2"}


def test_ping_can_be_shared_by_every_device_and_once_by_each() -> None:
    ping = Protocol.PING6
    shares = [share(str(n), id_, protocol=ping) for n, id_ in enumerate(("nas", "pc"))]
    index = PortIndex(shares)
    assert holding(index, shares) == {"0", "1"}
    again = share("2", "nas", protocol=ping)
    assert [each.share_id for each in index.device_holders(again)] == ["0"]


def test_what_has_no_ports_has_no_next_free_one() -> None:
    index = PortIndex([share("1", "nas", protocol=Protocol.GRE)])
    assert index.next_free_external(share("2", "pc", protocol=Protocol.GRE)) is None
