"""Reads the kernel's books once a minute, as long as anybody wants to know."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
import logging
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .gateway.books import Account, Visitor
from .gateway.errors import GatewayError
from .gateway.gateway import Gateway
from .sharing.model import Mapping as PortMapping
from .sharing.plan import Plan
from .tally import Tally

_LOGGER = logging.getLogger(__name__)

_INTERVAL: Final = timedelta(minutes=1)

_VERSION: Final = 1
# Flash memory wears out. What is not stored is counted again from the kernel's counters.
_SAVE_DELAY_SECONDS: Final = 15 * 60


class Traffic(DataUpdateCoordinator[Mapping[str, Tally]]):
    """What went through each share, and who has called: a tally for each share.

    Without listeners nothing is read. `first_calls` are those of the last look.
    """

    config_entry: ConfigEntry[Any]

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Any], gateway: Gateway, plan: Plan
    ) -> None:
        """Remember whose books to read, and what is in them: the plan is a living one."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} traffic",
            update_interval=_INTERVAL,
        )
        self.data: dict[str, Tally] = {}
        self.first_calls: list[tuple[str, Visitor]] = []
        self._gateway = gateway
        self._plan = plan
        self._store = _store(hass, entry.entry_id)
        self._looked: datetime | None = None
        self._unsaved = False

    async def load(self) -> None:
        """Read what was added up before Home Assistant was restarted."""
        if stored := await self._store.async_load():
            self._looked = datetime.fromisoformat(stored["looked"])
            self.data = {
                share_id: Tally.restored(tally)
                for share_id, tally in stored["shares"].items()
            }

    async def close(self) -> None:
        """Store at once what is still to be stored."""
        if self._unsaved:
            await self._store.async_save(self._stored())

    async def packets_of(self, lease_ids: Iterable[str]) -> dict[str, int]:
        """Return how many packets went through leases until now. Raises a GatewayError."""
        plan = {key: self._plan[key].mappings for key in lease_ids if key in self._plan}
        books = await self._gateway.accounts(
            [mapping for mappings in plan.values() for mapping in mappings],
            dt_util.utcnow(),
        )
        return {
            key: sum(books[mapping].packets for mapping in mappings)
            for key, mappings in plan.items()
        }

    @override
    async def _async_update_data(self) -> dict[str, Tally]:
        self.first_calls = []
        now = dt_util.utcnow()
        owners = {
            mapping: share_id
            for share_id, planned in self._plan.items()
            for mapping in planned.mappings
        }
        try:
            books = await self._gateway.accounts(owners, now)
        except GatewayError as err:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="kernel_refused",
                translation_placeholders={"detail": str(err)},
            ) from err
        by_share: dict[str, dict[PortMapping, Account]] = {}
        for mapping, account in books.items():
            by_share.setdefault(owners[mapping], {})[mapping] = account
        tallies = {
            share_id: self._add(share_id, by_share.get(share_id, {}))
            for share_id in self._plan
        }
        self._looked = now
        return tallies

    @callback
    def _add(self, share_id: str, books: Mapping[PortMapping, Account]) -> Tally:
        facts = self._gateway.facts()
        known = self.data.get(share_id)
        tally = known or Tally()
        before = tally.packets, tally.calls
        callers = tally.add(books, facts.lan_ipv4 + facts.lan_ipv6)
        if not known:
            # The kernel remembers those, too, who called before anybody asked, or the
            # share before that had the same port.
            since = self._looked
            callers = [each for each in callers if since and each.last > since]
        self.first_calls += [(share_id, each) for each in callers]
        if (tally.packets, tally.calls) != before and not self._unsaved:
            self._unsaved = True
            self._store.async_delay_save(self._stored, _SAVE_DELAY_SECONDS)
        return tally

    def _stored(self) -> dict[str, Any]:
        assert self._looked
        self._unsaved = False
        return {
            "looked": self._looked.isoformat(),
            "shares": {share_id: each.stored() for share_id, each in self.data.items()},
        }


async def async_forget_traffic(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what was stored of an entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.traffic")
