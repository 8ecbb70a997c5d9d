"""Names that Home Assistant stores or shows."""

from typing import Final

DOMAIN: Final = "portshare"

SUBENTRY_DEVICE: Final = "device"

CONF_WAN: Final = "wan_interfaces"
CONF_LAN: Final = "lan_interfaces"
CONF_PROTECT: Final = "protect"
CONF_MAC: Final = "mac"
CONF_ADDRESSES: Final = "addresses"
CONF_SHARES: Final = "shares"

EVENT_PORTSHARE: Final = "portshare_event"
