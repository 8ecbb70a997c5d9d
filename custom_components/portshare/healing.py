"""What somebody else does to our tables is undone at once, and said once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .gateway.errors import GatewayError
from .gateway.gateway import Gateway

_LOGGER = logging.getLogger(__name__)

# Who changes our tables again and again is told of once, until he has been quiet.
_QUIET: Final = timedelta(minutes=5)


class Healing:
    """Listens for damage, and asks that the tables be adopted until there is none."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        *,
        adopt: Callable[[], Awaitable[None]],
        on_error: Callable[[GatewayError], None],
    ) -> None:
        """Remember how the tables are adopted; `begin` begins."""
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._adopt = adopt
        self._on_error = on_error
        self._task: asyncio.Task[None] | None = None
        self._damaged_last: datetime | None = None

    @callback
    def begin(self) -> None:
        """Heal from now on: the tables are as they should be."""
        self._gateway.on_damage(self._damaged)

    @callback
    def _damaged(self) -> None:
        now = dt_util.utcnow()
        quiet = self._damaged_last is None or now - self._damaged_last > _QUIET
        self._damaged_last = now
        if quiet:
            _LOGGER.warning(
                "Somebody else has changed the firewall tables of port sharing; they "
                "are put right again"
            )
        if self._task is None or self._task.done():
            self._task = self._entry.async_create_background_task(
                self._hass, self._heal(), "portshare heal"
            )

    async def _heal(self) -> None:
        while self._gateway.damaged:
            try:
                await self._adopt()
            except GatewayError as err:
                self._on_error(err)
