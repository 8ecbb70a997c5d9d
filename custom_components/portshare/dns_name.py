"""The DNS name that callers are given: does it still lead to this gateway?"""

from datetime import datetime, timedelta
import logging
import socket
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .sharing.model import Facts

_LOGGER = logging.getLogger(__name__)

# A dynamic DNS service needs some time after a new address.
_PATIENCE: Final = timedelta(minutes=10)


class DnsName:
    """Compares a DNS name with the WAN addresses, with some patience."""

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        """Remember the name."""
        self._hass = hass
        self._name = name
        self._elsewhere_since: datetime | None = None

    async def elsewhere(self, facts: Facts) -> dict[str, str] | None:
        """Return where the name leads if it has led elsewhere for ten minutes.

        Without internet nothing can be said of it.
        """
        external = {str(each) for each in (*facts.wan_ipv4, *facts.wan_ipv6)}
        now = dt_util.utcnow()
        if not facts.internet or not external:
            self._elsewhere_since = None
            return None
        resolved = await self._resolve()
        if resolved & external:
            self._elsewhere_since = None
            return None
        self._elsewhere_since = self._elsewhere_since or now
        if now - self._elsewhere_since < _PATIENCE:
            return None
        return {
            "name": self._name,
            "resolved": ", ".join(sorted(resolved)) or "-",
            "external": ", ".join(sorted(external)),
        }

    async def _resolve(self) -> set[str]:
        try:
            answers = await self._hass.loop.getaddrinfo(
                self._name, None, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as err:  # UnicodeError: not a name at all
            _LOGGER.debug("%s cannot be resolved: %s", self._name, err)
            return set()
        return {str(address[0]) for *_, address in answers}
