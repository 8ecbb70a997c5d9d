"""Names that Home Assistant stores or shows."""

from typing import Final

DOMAIN: Final = "portshare"

SUBENTRY_DEVICE: Final = "device"

CONF_WAN: Final = "wan_interfaces"
CONF_LAN: Final = "lan_interfaces"
CONF_PROTECT: Final = "protect"
CONF_DNS_NAME: Final = "dns_name"
CONF_NOTIFY: Final = "notify"
CONF_TELL_FIRST_CALLS: Final = "tell_first_calls"
SECTION_EXPERT: Final = "expert"
CONF_TELL_AFTER: Final = "tell_outages_after"
CONF_MAC: Final = "mac"
CONF_ADDRESSES: Final = "addresses"
CONF_SHARES: Final = "shares"
CONF_INDEPENDENT: Final = "independent"
SECTION_INDEPENDENT: Final = "independent"
CONF_PROTOCOLS: Final = "protocols"
CONF_LOW_PORTS: Final = "low_ports"
CONF_MOST_OF_DEVICE: Final = "most_of_device"
CONF_MOST_IN_ALL: Final = "most_in_all"
CONF_LONGEST_LIFETIME: Final = "longest_lifetime"

EVENT_PORTSHARE: Final = "portshare_event"
