"""The DNS name that callers are given: does it still lead to this gateway?"""

from datetime import datetime, timedelta
import logging
import socket
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .sharing.model import Facts

_LOGGER = logging.getLogger(__name__)

ISSUE: Final = "dns_name_elsewhere"
# A dynamic DNS service needs some time after a new address.
_PATIENCE: Final = timedelta(minutes=10)


class DnsName:
    """Compares a DNS name with the WAN addresses; a lasting difference is an issue."""

    def __init__(self, hass: HomeAssistant, entry_id: str, name: str) -> None:
        """Remember the name; it is empty if callers are given none."""
        self._hass = hass
        self._entry_id = entry_id
        self._name = name
        self._elsewhere_since: datetime | None = None

    async def check(self, facts: Facts) -> None:
        """Resolve the name once. Without internet nothing can be said of it."""
        external = {str(each) for each in (*facts.wan_ipv4, *facts.wan_ipv6)}
        if not self._name or not facts.internet or not external:
            return
        try:
            answers = await self._hass.loop.getaddrinfo(
                self._name, None, type=socket.SOCK_STREAM
            )
        except OSError as err:
            _LOGGER.debug("%s cannot be resolved: %s", self._name, err)
            resolved: set[str] = set()
        else:
            resolved = {str(address[0]) for *_, address in answers}
        if resolved & external:
            self._elsewhere_since = None
            self.forget()
            return
        now = dt_util.utcnow()
        self._elsewhere_since = self._elsewhere_since or now
        if now - self._elsewhere_since >= _PATIENCE:
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                ISSUE,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key=ISSUE,
                translation_placeholders={
                    "name": self._name,
                    "resolved": ", ".join(sorted(resolved)) or "-",
                    "external": ", ".join(sorted(external)),
                },
            )

    def forget(self) -> None:
        """Take the issue back."""
        ir.async_delete_issue(self._hass, DOMAIN, ISSUE)
