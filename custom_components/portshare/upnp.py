"""Our UPnP gateways: who they are, and what a restart must not lose of them."""

from collections.abc import Callable, Iterable
from secrets import token_urlsafe
from typing import Any, Final
from uuid import UUID, uuid4

from homeassistant.util import dt as dt_util

from .independent.broker import Broker
from .independent.descriptions import About
from .independent.igd import Igd
from .independent.igd_server import Identity, IgdHousehold, IgdServer
from .independent.port_control import Address
from .sharing.model import LanAddress

_SECRET_BYTES: Final = 16


class Upnp:
    """The gateways, the same ones as before a restart."""

    def __init__(
        self,
        household: IgdHousehold,
        broker: Broker,
        is_at_home: Callable[[Address], bool],
        about: About,
        stored: dict[str, Any] | None,
    ) -> None:
        """Go on with what `as_dict` returned before a restart; `listen` begins."""
        if stored is None:
            stored = {
                "seed": str(uuid4()),
                "secret": token_urlsafe(_SECRET_BYTES),
                "port": 0,
                "pinholes": {"ids": {}, "last_id": 0},
            }
        self._seed = UUID(stored["seed"])
        self._secret: str = stored["secret"]
        self._igd = Igd(broker)
        self._igd.restore(stored)
        identity = Identity(
            seed=self._seed,
            secret=self._secret,
            # Higher than before, however often we have been there within a second.
            boot_id=int(dt_util.utcnow().timestamp()),
            about=about,
        )
        self._server = IgdServer(
            household,
            broker,
            self._igd,
            identity,
            is_at_home,
            dt_util.utcnow,
            stored["port"],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what a restart must not lose, as JSON can hold it."""
        return {
            "seed": str(self._seed),
            "secret": self._secret,
            "port": self._server.port,
            **self._igd.as_dict(),
        }

    async def listen(self, addresses: Iterable[LanAddress]) -> None:
        """Serve at these addresses, and no longer at others. Raises OSError."""
        await self._server.listen(addresses)

    async def close(self) -> None:
        """Say good-bye, and serve no longer."""
        await self._server.close()

    def note_change(self, *, leases: bool) -> None:
        """Tell subscribers that the internet connection has changed, or leases have."""
        if leases:
            self._igd.note_change()
        self._server.note_change()
