"""The oracle of the soak: what it says of a household is what a user is promised."""

from dataclasses import replace

import pytest

from soak.chance import Chance, Moment
from soak.happenings import (
    AddShare,
    Ask,
    Cable,
    CloseAll,
    End,
    Happening,
    Kill,
    Line,
    Meddle,
    Meddling,
    Move,
    NewPrefix,
    NewWanAddress,
    OpenForAWhile,
    Permit,
    Protect,
    RemoveDevice,
    Start,
    Stop,
    TimePasses,
    Turn,
)
from soak.model import NATPMP, PCP, UPNP, Door, Household, Place, Share, ToldLease

WEB = Share(number=1, device="nas", protocol="tcp", port=443, external_port=8443)
OVER_IPV4 = Door("tcp", "203.0.113.2", 8443)
OVER_IPV6 = Door("tcp", "2001:db8:1::21", 443)

TORRENT = Place("nas", "udp", 6881)


def household(*happenings: Happening) -> Household:
    home = Household()
    for happening in happenings:
        happening.apply(home)
    return home


def life(seed: int, hours: float) -> list[Moment]:
    home, chance = Household(), Chance(seed)
    moments = []
    while (moment := chance.next(home)).hours < hours:
        moment.happening.apply(home)
        moments.append(moment)
    return moments


def test_the_same_seed_gives_the_same_life() -> None:
    assert life(seed=7, hours=72) == life(seed=7, hours=72)
    assert life(seed=7, hours=72) != life(seed=8, hours=72)


def test_everything_happens_in_a_week_or_two() -> None:
    kinds = {type(each.happening) for each in life(seed=1, hours=336)}
    assert kinds == set(Happening.__subclasses__())


def test_there_is_more_going_on_by_day_than_by_night() -> None:
    hours = [each.hours % 24 for each in life(seed=1, hours=336)]
    night = [each for each in hours if each < 7 or each >= 23]
    assert len(night) < len(hours) / 4


def test_at_the_end_of_a_week_nobody_touches_home_assistant() -> None:
    restarts = [
        each.hours
        for each in life(seed=1, hours=336)
        if isinstance(each.happening, Stop | Kill)
    ]
    assert restarts
    assert all(each // 24 % 7 < 4 for each in restarts)


def test_a_share_is_open_over_both_families() -> None:
    doors = household(AddShare(WEB)).doors()
    assert {door: answer.who for door, answer in doors.items()} == {
        OVER_IPV4: "nas 443",
        OVER_IPV6: "nas 443",
    }


@pytest.mark.parametrize(
    "happening",
    [Turn(1, on=False), CloseAll(), RemoveDevice("nas"), Line(plugged=False)],
)
def test_nothing_is_open(happening: Happening) -> None:
    assert not household(AddShare(WEB), happening).doors()


def test_a_device_that_is_away_is_not_reached() -> None:
    home = household(AddShare(WEB), Cable("nas", plugged=False))
    assert not home.doors()
    assert home.told_mappings("nas") is None
    assert home.told_shares()["Share 1"].statuses == ("active", "device_unknown")
    Cable("nas", plugged=True).apply(home)
    assert home.doors().keys() == {OVER_IPV4, OVER_IPV6}
    assert home.told_mappings("nas") == 1


def test_nothing_is_promised_of_who_comes_back_while_home_assistant_is_away() -> None:
    home = household(
        AddShare(WEB), Cable("nas", plugged=False), Kill(), Cable("nas", plugged=True)
    )
    assert not home.doors()
    assert home.unpromised_doors() == {OVER_IPV4, OVER_IPV6}
    Start().apply(home)
    assert home.doors().keys() == {OVER_IPV4, OVER_IPV6}
    assert not home.unpromised_doors()


def test_the_doors_follow_addresses() -> None:
    home = household(
        AddShare(WEB), NewWanAddress(9), NewPrefix(2), Move("nas", host=25)
    )
    assert home.doors().keys() == {
        replace(OVER_IPV4, address="203.0.113.9"),
        replace(OVER_IPV6, address="2001:db8:2::21"),
    }


def test_what_is_open_for_a_while_closes_though_home_assistant_is_dead() -> None:
    off = replace(WEB, enabled=False)
    home = household(AddShare(off), OpenForAWhile(1, seconds=3), Kill())
    assert all(answer.short for answer in home.doors().values())
    TimePasses().apply(home)
    assert not home.doors()
    Start().apply(home)
    assert not home.told_shares()["Share 1"].enabled


def test_while_home_assistant_is_dead_the_kernel_stays_as_it_was() -> None:
    home = household(AddShare(WEB), Kill(), NewPrefix(2), NewWanAddress(9))
    assert home.doors().keys() == {replace(OVER_IPV4, address="203.0.113.9")}
    Start().apply(home)
    assert replace(OVER_IPV6, address="2001:db8:2::21") in home.doors()


def test_a_share_does_not_follow_its_device_while_home_assistant_is_dead() -> None:
    home = household(AddShare(WEB), Stop(), Move("nas", host=25))
    assert home.doors().keys() == {OVER_IPV6}
    Start().apply(home)
    assert home.doors().keys() == {OVER_IPV4, OVER_IPV6}


def test_who_meddles_changes_nothing_while_somebody_mends_it() -> None:
    home = household(AddShare(WEB), Meddle(Meddling.FLUSH_RULESET))
    assert home.doors().keys() == {OVER_IPV4, OVER_IPV6}
    Stop().apply(home)
    Meddle(Meddling.FLUSH_RULESET).apply(home)
    assert OVER_IPV4 not in home.doors()
    assert Door("tcp", "203.0.113.2", 22) in home.doors()  # nobody protects it


def test_without_protection_devices_are_called_over_ipv6() -> None:
    doors = household(Protect(on=False)).doors()
    assert Door("udp", "2001:db8:1::22", 1194) in doors
    assert Door("tcp", "203.0.113.2", 22) in doors
    assert Door("tcp", "203.0.113.2", 443) not in doors


def test_a_device_without_permission_gets_nothing() -> None:
    wish = Ask(TORRENT, PCP)
    home = household(wish)
    assert not wish.granted(home)
    assert not home.doors()


def test_a_lease_goes_with_the_last_who_has_asked_for_it() -> None:
    home = household(Permit("nas", may=True), Ask(TORRENT, PCP), Ask(TORRENT, UPNP))
    door = Door("udp", "203.0.113.2", 6881)
    assert home.told_leases("nas") == [ToldLease("udp", 6881, 6881, ("pcp", "upnp"))]
    End(TORRENT, PCP).apply(home)
    assert door in home.doors()
    End(TORRENT, UPNP).apply(home)
    assert not home.doors()


def test_a_lease_for_seconds_that_another_protocol_holds_for_a_day_stays() -> None:
    home = household(
        Permit("nas", may=True), Ask(TORRENT, NATPMP, seconds=2), Ask(TORRENT, PCP)
    )
    TimePasses().apply(home)
    assert home.told_leases("nas") == [ToldLease("udp", 6881, 6881, ("pcp",))]


def test_leases_end_with_the_permission() -> None:
    home = household(
        Permit("nas", may=True), Ask(TORRENT, PCP), Permit("nas", may=False)
    )
    assert not home.doors()


def test_a_share_comes_before_a_lease_of_its_external_port() -> None:
    share = replace(WEB, protocol="udp", external_port=TORRENT.wish, enabled=False)
    home = household(Permit("nas", may=True), Ask(TORRENT, PCP), AddShare(share))
    assert not home.leases
    assert Ask(TORRENT, PCP).external_port(home) is None  # another one
    assert not Ask(TORRENT, UPNP).granted(home)


def test_a_pinhole_that_was_asked_for_does_not_follow_the_prefix() -> None:
    pinhole = Place("nas", "udp", 6881, "2001:db8:1::21")
    home = household(Permit("nas", may=True), Ask(pinhole, PCP), NewPrefix(2))
    assert not home.doors()
    assert home.told_mappings("nas") is None
    NewPrefix(1).apply(home)
    assert home.doors().keys() == {Door("udp", "2001:db8:1::21", 6881)}


def test_what_is_for_a_few_is_not_promised_at_home() -> None:
    home = household(AddShare(replace(WEB, limited=True)))
    assert home.doors()[OVER_IPV4].limited
    assert home.doors_at_home("pi") == {OVER_IPV4: None}


def test_a_device_is_not_promised_to_reach_itself_by_the_wan_address() -> None:
    home = household(AddShare(WEB))
    assert home.doors_at_home("nas") == {OVER_IPV4: None}
    assert home.doors_at_home("pi") == {OVER_IPV4: home.doors()[OVER_IPV4]}
