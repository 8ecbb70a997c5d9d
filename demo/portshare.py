"""Set portshare up as a person would: through its own forms, over the API."""

from dataclasses import dataclass
from typing import Any

from . import DemoError
from .api import Api, WebSocket, until
from .home import LAN_LINK, WAN_LINK, Home

DOMAIN = "portshare"
ENTRIES = "/api/config/config_entries"

SHARES: dict[str, dict[str, Any]] = {
    "nas": {
        "application": "http",
        "share": {
            "name": "Web server",
            "protocol": "tcp",
            "port": 80,
            "external_port": 8080,
            "ipv4": True,
            "ipv6": True,
            "enabled": True,
        },
    },
    "pi": {
        "application": "ssh",
        "share": {
            "name": "SSH",
            "protocol": "tcp",
            "port": 22,
            "external_port": 2222,
            "ipv4": True,
            "ipv6": True,
            "enabled": False,
        },
    },
}
"""The demo's two shares, each with the device it belongs to."""


@dataclass(frozen=True, slots=True)
class Entity:
    """What Home Assistant's registries say about one of our entities."""

    entity_id: str
    key: str | None
    name: str
    device_id: str
    device: str

    @property
    def domain(self) -> str:
        """What kind of entity it is."""
        return self.entity_id.partition(".")[0]


async def set_up(api: Api, home: Home) -> str:
    """Add the gateway, protect it and share two ports; return the entry's id."""
    created = await api.flow(
        f"{ENTRIES}/flow",
        {"handler": DOMAIN},
        {"user": {"wan_interfaces": [WAN_LINK], "lan_interfaces": [LAN_LINK]}},
    )
    entry_id: str = created["result"]["entry_id"]
    await api.flow(
        f"{ENTRIES}/options/flow", {"handler": entry_id}, {"init": {"protect": True}}
    )
    await wait_until_loaded(api, entry_id)
    for name, answers in SHARES.items():
        await api.flow(
            f"{ENTRIES}/subentries/flow",
            {"handler": [entry_id, "device"]},
            {
                "user": {"device": home.devices[name].mac, "name": name},
                "application": {"application": answers["application"]},
                "share": answers["share"],
            },
        )
    return entry_id


async def wait_until_loaded(api: Api, entry_id: str, within: float = 30) -> None:
    """Wait until Home Assistant has set the entry up."""

    async def loaded() -> bool:
        entries = await api.get(f"{ENTRIES}/entry?domain={DOMAIN}")
        return any(
            entry["entry_id"] == entry_id and entry["state"] == "loaded"
            for entry in entries
        )

    await until(loaded, within, "portshare was set up")


async def entities(websocket: WebSocket) -> list[Entity]:
    """All entities of portshare, with the names of their devices."""
    devices = {
        device["id"]: device["name_by_user"] or device["name"]
        for device in await websocket.command("config/device_registry/list")
    }
    return [
        Entity(
            entity_id=entity["entity_id"],
            key=entity["translation_key"],
            name=entity["name"] or entity["original_name"] or "",
            device_id=entity["device_id"],
            device=devices[entity["device_id"]],
        )
        for entity in await websocket.command("config/entity_registry/list")
        if entity["platform"] == DOMAIN
        and entity["device_id"] in devices
        and entity["disabled_by"] is None
    ]


async def switch_of(websocket: WebSocket, device: str, share: str) -> str:
    """The entity id of a share's switch."""
    for entity in await entities(websocket):
        if (entity.domain, entity.device, entity.name) == ("switch", device, share):
            return entity.entity_id
    raise DemoError(f"There is no switch for {share} of {device}")
