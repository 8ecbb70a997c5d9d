"""The demo's dashboard: the gateway and its devices, each with its shares as toggles."""

import asyncio
from collections.abc import Iterable
import contextlib

from .api import Api, ConnectionLostError, Json, WebSocket, until
from .portshare import Entity, entities

URL_PATH = "port-sharing"
TITLE = "Demo"

GATEWAY_KEYS = ("internet", "external_ipv4", "external_ipv6", "open_ports")
"""Translation keys of what is shown of the gateway, in this order."""

RESTART = 300.0
"""Seconds that a restart may take."""

QUIET = 0.5
"""Seconds without a change in the registry, after which the dashboard is made anew."""


def layout(found: Iterable[Entity]) -> Json:
    """One section for the gateway and one for each device."""
    by_device: dict[str, list[Entity]] = {}
    for entity in found:
        by_device.setdefault(entity.device_id, []).append(entity)
    gateways, devices = [], []
    for shown in sorted(by_device.values(), key=lambda each: each[0].device):
        if any(entity.key == "open_ports" for entity in shown):
            gateways.append(_gateway_section(shown))
        else:
            devices.append(_device_section(shown))
    view = {
        "title": TITLE,
        "type": "sections",
        "max_columns": 3,
        "sections": [*gateways, *devices],
    }
    return {"title": TITLE, "views": [view]}


def _gateway_section(shown: list[Entity]) -> Json:
    """The state of the internet connection, and how much is open."""
    wanted = [
        entity
        for key in GATEWAY_KEYS
        for entity in shown
        if entity.key == key and entity.domain in {"binary_sensor", "sensor"}
    ]
    return _section(shown[0].device, "mdi:router-network", map(_tile, wanted))


def _device_section(shown: list[Entity]) -> Json:
    """A toggle for each share, and the count of what is open."""
    shares = sorted(
        (e for e in shown if e.domain == "switch" and e.key != "independent"),
        key=lambda entity: entity.name,
    )
    counts = [e for e in shown if e.domain == "sensor" and e.key == "mappings"]
    cards = [*map(_toggle, shares), *map(_tile, counts)]
    return _section(shown[0].device, "mdi:lan", cards)


def _section(heading: str, icon: str, cards: Iterable[Json]) -> Json:
    title = {"type": "heading", "heading": heading, "icon": icon}
    return {"type": "grid", "cards": [title, *cards]}


def _tile(entity: Entity) -> Json:
    return {"type": "tile", "entity": entity.entity_id, "name": entity.name}


def _toggle(entity: Entity) -> Json:
    return {
        **_tile(entity),
        "state_content": ["state", "call"],
        "features": [{"type": "toggle"}],
        "grid_options": {"columns": 12},
    }


async def create(websocket: WebSocket) -> None:
    """Make the dashboard, and let everybody begin with it after logging in."""
    await websocket.command(
        "lovelace/dashboards/create",
        url_path=URL_PATH,
        title=TITLE,
        icon="mdi:ip-network",
    )
    await websocket.command(
        "frontend/set_system_data", key="core", value={"default_panel": URL_PATH}
    )
    await save(websocket)


async def save(websocket: WebSocket) -> Json:
    """Show what there is now; return what was saved."""
    config = layout(await entities(websocket))
    await websocket.command("lovelace/config/save", url_path=URL_PATH, config=config)
    return config


async def keep_current(api: Api, user: str, password: str) -> None:
    """Show new shares and devices as well, until a person edits the dashboard."""
    edited = False
    while not edited:
        await api.log_in(user, password)
        websocket = await api.websocket()
        try:
            await _follow(websocket)
            edited = True
        except ConnectionLostError:
            await until(api.is_running, RESTART, "Home Assistant runs again", every=1)
        finally:
            await websocket.close()


async def _follow(websocket: WebSocket) -> None:
    """Save the dashboard whenever entities came, went or were renamed."""
    events = await websocket.events("entity_registry_updated")
    while True:
        saved = await save(websocket)
        await events.next()
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(QUIET):
                    await events.next()
        if saved != await websocket.command("lovelace/config", url_path=URL_PATH):
            return
