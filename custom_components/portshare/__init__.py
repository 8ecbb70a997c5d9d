"""Port sharing: the gateway's own firewall, opened and closed from Home Assistant."""

from datetime import datetime

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .addresses import KnownAddresses
from .const import CONF_LAN, CONF_WAN, DOMAIN
from .coordinator import RECONCILE_INTERVAL, PortShareConfigEntry, PortShareCoordinator
from .event_log import EventLog, async_forget_event_log
from .first_calls import async_setup_first_calls
from .gateway.gateway import Gateway, remove_tables
from .internet import async_forget_internet
from .interruptions import async_forget_interruptions
from .issues import async_setup_issues
from .journal import Journal
from .leasing import Leasing, async_forget_leases
from .notices import async_setup_notices
from .panel import async_remove_panel, async_serve_module, async_setup_panel
from .services import async_setup_services
from .sources import async_forget_source_names
from .traffic import async_forget_traffic
from .websocket_api import async_setup_websocket_api

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.SENSOR,
    Platform.SWITCH,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register what is there without an entry, and look after those not loaded."""
    async_setup_services(hass)
    async_setup_websocket_api(hass)
    await async_serve_module(hass)

    @callback
    def entry_changed(_: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Leave nothing of a disabled entry, even of one that could not be set up."""
        if (
            entry.domain == DOMAIN
            and entry.disabled_by
            and entry.state is ConfigEntryState.NOT_LOADED
        ):
            async_remove_panel(hass)
            hass.async_create_task(remove_tables(), "portshare remove tables")

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, entry_changed)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PortShareConfigEntry) -> bool:
    """Take over the gateway's firewall table, or make it."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        entry_type=dr.DeviceEntryType.SERVICE,
    )
    await async_setup_panel(hass)
    gateway = Gateway(entry.data[CONF_WAN], entry.data[CONF_LAN])
    coordinator = PortShareCoordinator(hass, entry, gateway)
    leasing = Leasing(hass, entry, coordinator)
    event_log = EventLog(hass, entry)
    settings = (dict(entry.data), dict(entry.options))

    async def entry_updated(hass: HomeAssistant, updated: PortShareConfigEntry) -> None:
        """Take over changed shares as they are; other settings need a new start."""
        if (dict(updated.data), dict(updated.options)) != settings:
            hass.config_entries.async_schedule_reload(updated.entry_id)
        else:
            coordinator.configuration_changed()

    @callback
    def begin_to_tell(_: HomeAssistant) -> None:
        """Tell what happened meanwhile, now that automations can hear it."""
        coordinator.teller.begin()

    try:
        await leasing.load()
        await event_log.load()
        await coordinator.async_config_entry_first_refresh()
        entry.runtime_data = coordinator
        # The user may have changed something since it was read.
        entry.async_on_unload(entry.add_update_listener(entry_updated))
        await entry_updated(hass, entry)
        await leasing.begin()
        async_setup_first_calls(hass, entry)
        await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    except BaseException:
        await leasing.close()
        await coordinator.close()
        raise
    event_log.begin(coordinator)
    entry.async_on_unload(event_log.close)
    entry.async_on_unload(leasing.close)
    async_setup_notices(hass, entry)
    async_setup_issues(hass, entry)
    entry.async_on_unload(async_at_started(hass, begin_to_tell))

    async def home_assistant_closes(_: Event) -> None:
        """Let go of the gateway; its table and its flows stay."""
        await leasing.close()
        await coordinator.close()
        await event_log.close()

    async def reconcile(_: datetime) -> None:
        """Read the kernel's table again, however much has happened meanwhile."""
        await coordinator.async_refresh()

    entry.async_on_unload(
        async_track_time_interval(
            hass, reconcile, RECONCILE_INTERVAL, cancel_on_shutdown=True
        )
    )
    # Entries are not unloaded when Home Assistant ends. As late as possible: what
    # others switch off at the end shall still be closed.
    entry.async_on_unload(
        hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, home_assistant_closes)
    )
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PortShareConfigEntry) -> bool:
    """Let go of the gateway.

    The table stays for a reload or restart, so that no flow is disturbed. When the
    entry has been disabled, it goes (see `async_setup`).
    """
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    await entry.runtime_data.close()
    return True


async def async_remove_entry(hass: HomeAssistant, entry: PortShareConfigEntry) -> None:
    """Leave nothing behind."""
    async_remove_panel(hass)
    await KnownAddresses(hass, entry.entry_id).forget()
    await async_forget_source_names(hass, entry.entry_id)
    await async_forget_internet(hass, entry.entry_id)
    await async_forget_interruptions(hass, entry.entry_id)
    await async_forget_traffic(hass, entry.entry_id)
    await async_forget_leases(hass, entry.entry_id)
    await async_forget_event_log(hass, entry.entry_id)
    await Journal(hass, entry.entry_id).forget()
    await remove_tables()
