"""Who may call a share."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.sharing.errors import (
    InvalidSource,
    NoSourceOfFamily,
    TooManySources,
)
from custom_components.portshare.sharing.model import (
    ANY_IPV4,
    ANY_IPV6,
    Facts,
    Family,
    Share,
)
from custom_components.portshare.sharing.sources import (
    MOST_SOURCES,
    Callers,
    callers_of,
    names_in,
    parse_sources,
)

from .builders import BOTH, NAMES, share, shares, source_lists

LAN = IPv4Network("192.168.1.0/24")
OFFICE = NAMES[0]


def sources(*values: object) -> tuple[str, ...]:
    return parse_sources(list(values), BOTH)


# What is typed


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("198.51.100.7", "198.51.100.7"),
        (" 198.51.100.7/32 ", "198.51.100.7"),
        ("198.51.100.0/24", "198.51.100.0/24"),
        ("198.51.100.0/255.255.255.0", "198.51.100.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("Office.Example.ORG.", "office.example.org"),
        ("m\u00fcller.example", "xn--mller-kva.example"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        ("my_host.dyn.example", "my_host.dyn.example"),
        ("fritz.box", "fritz.box"),
        ("nas", "nas"),
    ],
)
def test_a_source_is_an_address_a_network_or_a_name(typed: str, stored: str) -> None:
    assert sources(typed) == (stored,)
    assert sources(stored) == (stored,)


@pytest.mark.parametrize(
    "typed",
    [
        *("", "  ", ".", "*", "*.example.org", "a..b", "-a.example", "a-.example"),
        *("198.51.100", "198.51.100.256", "198.51.100.7/24", "198.51.100.0/33", "10"),
        *(
            "198.51.100.0/24, 192.0.2.1",
            "fe80::1%eth0",
            "[2001:db8::1]",
            "2001:db8::/8",
        ),
        *("http://example.org", "example.org:80", "a b", "x" * 64, "a." * 127 + "org"),
        *(
            "\uff11\uff19\uff12.0.2.1",
            "example.123",
            None,
            7,
            True,
            b"198.51.100.7",
            [],
        ),
    ],
)
def test_what_is_no_source_is_refused_and_named(typed: object) -> None:
    with pytest.raises(InvalidSource) as caught:
        sources("198.51.100.7", typed)
    assert caught.value.field == "sources"
    assert caught.value.placeholders == {"value": str(typed)}


@pytest.mark.parametrize("typed", ["198.51.100.7", "", 7, {"198.51.100.7"}, False])
def test_sources_are_a_list(typed: object) -> None:
    with pytest.raises(InvalidSource):
        parse_sources(typed, BOTH)


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_no_sources_are_everybody(nothing: object) -> None:
    assert parse_sources(nothing, BOTH) == ()
    everybody = callers_of(share(), Facts())
    assert everybody == Callers((ANY_IPV4,), (ANY_IPV6,))


def test_the_same_source_counts_once() -> None:
    assert sources("198.51.100.7", "198.51.100.7/32") == ("198.51.100.7",)


def test_there_may_be_so_many_sources_and_no_more() -> None:
    many = [f"198.51.100.{last}" for last in range(MOST_SOURCES)]
    assert len(sources(*many)) == MOST_SOURCES
    with pytest.raises(TooManySources) as caught:
        sources(*many, "192.0.2.1")
    assert caught.value.field == "sources"
    assert caught.value.placeholders == {"count": "33", "most": "32"}


@pytest.mark.parametrize(
    ("typed", "family", "placeholder"),
    [
        ("2001:db8::1", Family.IPV4, "IPv4"),
        ("198.51.100.7", Family.IPV6, "IPv6"),
    ],
)
def test_sources_that_can_never_call_are_refused(
    typed: str, family: Family, placeholder: str
) -> None:
    with pytest.raises(NoSourceOfFamily) as caught:
        parse_sources([typed], frozenset({family}))
    assert caught.value.field == "sources"
    assert caught.value.placeholders == {"families": placeholder}
    # Where a name leads, nobody knows yet.
    assert parse_sources([typed, OFFICE], frozenset({family})) == (typed, OFFICE)


@given(st.lists(st.text() | st.none() | st.integers() | st.ip_addresses().map(str)))
def test_whatever_is_typed_gives_sources_that_read_the_same_again_or_an_error(
    typed: list[object],
) -> None:
    try:
        made = parse_sources(typed, BOTH)
    except InvalidSource, TooManySources:
        return
    assert bool(made) is bool(typed)
    assert parse_sources(made, BOTH) == made


def test_names_are_told_from_addresses() -> None:
    assert names_in(["198.51.100.7", "2001:db8::/32", *NAMES]) == {*NAMES}


# Who may call


def callers(*sources: str, ipv4: bool = True, ipv6: bool = True) -> Callers:
    return callers_of(
        share(sources=sources, ipv4=ipv4, ipv6=ipv6),
        Facts(lan_ipv4=(LAN,), names={OFFICE: (IPv4Address("192.0.2.1"),)}),
    )


def test_each_ip_version_has_its_own_callers_and_home_comes_with_ipv4() -> None:
    assert callers("198.51.100.7", "2001:db8::/32") == Callers(
        (LAN, IPv4Network("198.51.100.7/32")), (IPv6Network("2001:db8::/32"),)
    )


def test_networks_are_put_together() -> None:
    assert callers("198.51.100.0/25", "198.51.100.128/25", "198.51.100.7").ipv4 == (
        LAN,
        IPv4Network("198.51.100.0/24"),
    )


def test_without_a_source_of_an_ip_version_nobody_may_call_over_it() -> None:
    assert callers("198.51.100.7").ipv6 == ()
    assert callers("2001:db8::/32").ipv4 == ()
    assert not callers("2001:db8::/32", ipv6=False)


def test_a_name_stands_for_where_it_leads() -> None:
    assert callers(OFFICE) == Callers((IPv4Network("192.0.2.1/32"), LAN), ())
    names = {OFFICE: (IPv4Address("192.0.2.1"), IPv6Address("2001:db8::7"))}
    assert callers_of(share(sources=(OFFICE,)), Facts(names=names)) == Callers(
        (IPv4Network("192.0.2.1/32"),), (IPv6Network("2001:db8::7/128"),)
    )


@pytest.mark.parametrize("names", [{}, {OFFICE: ()}])
def test_a_name_that_leads_nowhere_stands_for_nobody(
    names: dict[str, tuple[IPv4Address, ...]],
) -> None:
    facts = Facts(lan_ipv4=(LAN,), names=names)
    assert not callers_of(share(sources=(OFFICE,)), facts)


addresses = st.lists(
    st.sampled_from([IPv4Address("192.0.2.1"), IPv6Address("2001:db8::7")]), max_size=2
).map(tuple)


@given(
    shares(),
    source_lists,
    st.dictionaries(st.sampled_from(NAMES), addresses),
    st.sampled_from([(), (LAN,)]),
)
def test_never_may_anybody_call_who_is_not_among_the_sources(
    one: Share,
    sources: tuple[str, ...],
    names: dict[str, tuple[IPv4Address | IPv6Address, ...]],
    lan: tuple[IPv4Network, ...],
) -> None:
    facts = Facts(lan_ipv4=lan, names=names)
    limited = replace(one, sources=sources)
    now = callers_of(limited, facts)
    assert (ANY_IPV4 in now.ipv4) is ("0.0.0.0/0" in sources and limited.ipv4)
    assert ANY_IPV6 not in now.ipv6
    assert not (now.ipv4 and not limited.ipv4)
    assert not (now.ipv6 and not limited.ipv6)
    # Home alone is no caller.
    assert now.ipv4 != lan or not lan
