"""What the user should know and can mend: issues in Home Assistant's repairs."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.components import network
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .const import CONF_DNS_NAME, CONF_LAN, CONF_WAN, DOMAIN
from .coordinator import PortShareConfigEntry
from .dns_name import DnsName
from .obstacles import obstacles
from .sharing.model import Facts, Family
from .sharing.wan import WanProblem, provided_ipv4, wan_problem

ISSUE_DNS_NAME: Final = "dns_name_elsewhere"
ISSUE_DISCOVERY: Final = "discovery_on_wan"
ISSUES_FORWARDING: Final = {
    Family.IPV4: "ipv4_forwarding_off",
    Family.IPV6: "ipv6_forwarding_off",
}
_DNS_INTERVAL: Final = timedelta(minutes=5)

# A line may be without IPv4 for a moment, while its modem dials in for example. DS-Lite
# never has it.
_WITHOUT_IPV4: Final = timedelta(minutes=5)


@callback
def async_setup_issues(hass: HomeAssistant, entry: PortShareConfigEntry) -> None:
    """Watch the line, the kernel, others on the gateway, and where the DNS name leads.

    And where Home Assistant looks for devices.
    """
    coordinator = entry.runtime_data
    dns_name = DnsName(hass, entry.options.get(CONF_DNS_NAME, ""))

    without_ipv4_since: datetime | None = None
    in_the_way: set[str] = set()

    @callback
    def check_wan() -> None:
        """Look at the line: with each change, and at least every five minutes."""
        nonlocal without_ipv4_since
        facts = coordinator.data.facts
        if not facts.internet or provided_ipv4(facts):
            without_ipv4_since = None
        else:
            now = dt_util.utcnow()
            without_ipv4_since = without_ipv4_since or now
            if now - without_ipv4_since < _WITHOUT_IPV4:
                return
        if facts.internet:
            _tell_wan_problem(hass, facts)

    @callback
    def check_forwarding() -> None:
        _tell_what_is_not_forwarded(hass, entry, coordinator.data.facts)

    @callback
    def check_adapters() -> None:
        """Look at where Home Assistant itself looks for devices, and is found."""
        adapters = network.async_get_loaded_adapters(hass)
        there = {each["name"] for each in adapters if each["enabled"]}
        if there.isdisjoint(entry.data[CONF_WAN]):
            ir.async_delete_issue(hass, DOMAIN, ISSUE_DISCOVERY)
        else:
            places = {
                "wan": ", ".join(sorted(there.intersection(entry.data[CONF_WAN]))),
                "lan": ", ".join(entry.data[CONF_LAN]),
            }
            _create(hass, ISSUE_DISCOVERY, places)

    @callback
    def check_others() -> None:
        """Look at what others do on the gateway, and at who is in their way."""
        nonlocal in_the_way
        before, in_the_way = in_the_way, set()
        for each in obstacles(coordinator.data, coordinator.gateway.others):
            in_the_way.add(each.issue_id)
            ir.async_create_issue(
                hass,
                DOMAIN,
                each.issue_id,
                data={"entry_id": entry.entry_id},
                is_fixable=each.fixable,
                severity=each.severity,
                translation_key=each.text,
                translation_placeholders=each.placeholders,
            )
        for issue in before - in_the_way:
            ir.async_delete_issue(hass, DOMAIN, issue)

    async def check_dns_name() -> None:
        elsewhere = await dns_name.elsewhere(coordinator.data.facts)
        if elsewhere:
            _create(hass, ISSUE_DNS_NAME, elsewhere)
        else:
            ir.async_delete_issue(hass, DOMAIN, ISSUE_DNS_NAME)

    @callback
    def start_to_check_dns_name(_: datetime | None = None) -> None:
        """Check it as long as the entry is loaded."""
        entry.async_create_background_task(
            hass, check_dns_name(), "portshare check of the DNS name"
        )

    @callback
    def forget() -> None:
        known = (*WanProblem, *ISSUES_FORWARDING.values())
        for issue in (*known, ISSUE_DNS_NAME, ISSUE_DISCOVERY, *in_the_way):
            ir.async_delete_issue(hass, DOMAIN, issue)

    for check in (check_wan, check_forwarding, check_adapters, check_others):
        check()
        entry.async_on_unload(coordinator.async_add_listener(check))
    entry.async_on_unload(forget)
    if entry.options.get(CONF_DNS_NAME):
        start_to_check_dns_name()
        entry.async_on_unload(
            async_track_time_interval(hass, start_to_check_dns_name, _DNS_INTERVAL)
        )


@callback
def _tell_wan_problem(hass: HomeAssistant, facts: Facts) -> None:
    problem = wan_problem(facts)
    addresses = ", ".join(map(str, facts.wan_ipv4)) or "-"
    for each in WanProblem:
        if each is problem:
            _create(hass, each, {"address": addresses})
        else:
            ir.async_delete_issue(hass, DOMAIN, each)


@callback
def _tell_what_is_not_forwarded(
    hass: HomeAssistant, entry: PortShareConfigEntry, facts: Facts
) -> None:
    """Tell it of the IP versions that the home network has."""
    for family, issue in ISSUES_FORWARDING.items():
        if family not in facts.not_forwarded & facts.lan_families:
            ir.async_delete_issue(hass, DOMAIN, issue)
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue,
            data={"entry_id": entry.entry_id, "family": family},
            is_fixable=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key=issue,
        )


def _create(hass: HomeAssistant, issue: str, placeholders: dict[str, str]) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=issue,
        translation_placeholders=placeholders,
    )
