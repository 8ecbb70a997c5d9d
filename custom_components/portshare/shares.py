"""Add, change and remove shares: one way for switches, services and flows."""

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from .const import CONF_SHARES, DOMAIN, SUBENTRY_DEVICE
from .coordinator import PortShareCoordinator
from .events import Cause, EventType, PortShareEvent, lease_data
from .gateway.errors import GatewayError
from .hosts import async_hosts
from .leasing import leasing_of
from .sharing.confirmation import needs_confirmation
from .sharing.errors import (
    InvalidDevice,
    InvalidDuration,
    LeasedPortNeedsConfirmation,
    NeedsConfirmation,
    SharingError,
)
from .sharing.model import Device, Family, Share, Transport
from .sharing.plan import contests
from .sharing.ports import NOTHING_SERVED
from .sharing.rules import check_free, parse_protocol, parse_share, parse_target
from .sharing.snapshot import LeaseState, ShareState
from .subentries import device_data, share_data

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=30)

_ABOUT_PORTS: Final = frozenset(
    {"protocol", "port", "port_end", "external_port", "external_port_end"}
)


async def async_add_share(
    coordinator: PortShareCoordinator,
    device_id: str,
    fields: Mapping[str, object],
    cause: Cause,
) -> Share:
    """Add a share to a device and make it true.

    Raises a SharingError if the fields are not valid, HomeAssistantError if the
    kernel refuses. Nothing is stored then.
    """
    await _look_at_services(coordinator)
    share = validated(coordinator, ulid_now(), device_id, fields)
    async with coordinator.writing(share.share_id):
        await _write(coordinator, [share], cause)
    return share


async def async_add_device_with_share(
    coordinator: PortShareCoordinator,
    mac: str,
    fields: Mapping[str, object],
    cause: Cause,
) -> Share:
    """Add a share to the device with this MAC address, which may be new.

    Errors as for `async_add_share`; then a new device is not added either.
    """
    target = parse_target(mac, coordinator.gateway.facts())
    if not isinstance(target, str):
        raise InvalidDevice(mac)
    subentry = await async_device_or_new(coordinator, target)
    if isinstance(subentry, Device):
        return await async_add_share(coordinator, subentry.device_id, fields, cause)
    return await async_add_new_device(coordinator, subentry, fields, cause)


async def async_add_new_device(
    coordinator: PortShareCoordinator,
    subentry: ConfigSubentry,
    fields: Mapping[str, object],
    cause: Cause,
) -> Share:
    """Add a device with its first share: both or nothing. Errors as for a share."""
    # Valid before the device is added: nothing is stored half.
    validated(coordinator, ulid_now(), subentry.subentry_id, fields)
    hass, entry = coordinator.hass, coordinator.config_entry
    hass.config_entries.async_add_subentry(entry, subentry)
    coordinator.configuration_changed()
    try:
        return await async_add_share(coordinator, subentry.subentry_id, fields, cause)
    except HomeAssistantError:
        # Unless it has got another share, or is gone already.
        added = entry.subentries.get(subentry.subentry_id)
        if added and not added.data[CONF_SHARES]:
            hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
            coordinator.configuration_changed()
        raise


async def async_device_or_new(
    coordinator: PortShareCoordinator, mac: str
) -> Device | ConfigSubentry:
    """Return the device with this MAC address; a new one is ready to be added."""
    names: dict[str, str] = {}
    if not coordinator.configuration.device_with(mac):
        hosts = await async_hosts(coordinator.hass, coordinator.gateway)
        names = {host.mac: host.name for host in hosts}
    # Asked again: while we looked for the name, somebody else may have added it.
    return coordinator.configuration.device_with(mac) or ConfigSubentry(
        data=device_data(mac, (), {}),
        subentry_type=SUBENTRY_DEVICE,
        title=names.get(mac) or mac,
        unique_id=mac,
    )


async def async_update_share(
    coordinator: PortShareCoordinator,
    share_id: str,
    fields: Mapping[str, object],
    cause: Cause,
) -> Share:
    """Change the given fields of a share; errors as for adding one."""
    if fields.keys() & _ABOUT_PORTS:
        await _look_at_services(coordinator)
    async with coordinator.writing(share_id):
        before = coordinator.configuration.share(share_id)
        share = _validated_change(coordinator, before, fields)
        if share != before:
            await _write(coordinator, [share], cause)
    return share


async def async_check_share(
    coordinator: PortShareCoordinator,
    fields: Mapping[str, object],
    *,
    device_id: str = "",
    share_id: str | None = None,
) -> Share:
    """Return what adding a share, or changing this one, would make of it.

    Nothing is changed; errors are those of adding or changing. A device that is yet to
    be added has no id.
    """
    await _look_at_services(coordinator)
    if share_id is None:
        return validated(coordinator, ulid_now(), device_id, fields)
    before = coordinator.configuration.share(share_id)
    return _validated_change(coordinator, before, fields)


async def async_remove_share(
    coordinator: PortShareCoordinator, share_id: str, cause: Cause
) -> Share:
    """Close a share and forget it; return what it was."""
    async with coordinator.writing(share_id):
        share = coordinator.configuration.share(share_id)
        await _write(coordinator, [share], cause, removed=True)
    return share


async def async_open_temporarily(
    coordinator: PortShareCoordinator,
    share_id: str,
    duration: timedelta,
    cause: Cause,
) -> Share:
    """Open a share for a while; it closes by itself, even without Home Assistant.

    Raises InvalidDuration besides the errors of `async_add_share`.
    """
    if not SHORTEST <= duration <= LONGEST:
        raise InvalidDuration(duration)
    until = (dt_util.utcnow() + duration).replace(microsecond=0)
    fields = {"enabled": True, "open_until": until.isoformat()}
    return await async_update_share(coordinator, share_id, fields, cause)


@dataclass(frozen=True, slots=True)
class Closed:
    """What was open, or would have been, before everything was closed."""

    shares: list[ShareState]
    leases: list[LeaseState]


async def async_close_all(coordinator: PortShareCoordinator, cause: Cause) -> Closed:
    """Switch every share off and end what devices have mapped, in one transaction.

    Raises HomeAssistantError if the kernel refuses to close something; all else is
    closed all the same.
    """
    configuration = coordinator.configuration
    async with AsyncExitStack() as stack:
        # A change under way, if refused, would put back what it found: an open share.
        for share_id in sorted(configuration.shares):
            await stack.enter_async_context(coordinator.writing(share_id))
        # Without what is gone already, though it may not have been closed yet.
        on = {key: each for key, each in configuration.shares.items() if each.enabled}
        states = coordinator.latest.shares
        was_on = [state for key, state in states.items() if key in on]
        off = [
            replace(on[state.share.share_id], enabled=False, open_until=None)
            for state in was_on
        ]
        # What is asked for in one turn of the event loop is one transaction.
        ending = coordinator.hass.async_create_task(_end_leases(coordinator, cause))
        try:
            if off:
                await _write(coordinator, off, cause)
        finally:
            leases = await ending
    coordinator.teller.tell(
        PortShareEvent(
            EventType.ALL_CLOSED,
            {
                "closed": [state.share.share_id for state in was_on],
                "leases": [lease_data(state.lease) for state in leases],
                "reason": cause.reason.value,
                "at": dt_util.utcnow().isoformat(),
            },
            context=cause.context,
        )
    )
    return Closed(was_on, leases)


async def _end_leases(
    coordinator: PortShareCoordinator, cause: Cause
) -> list[LeaseState]:
    leasing = leasing_of(coordinator.hass, coordinator.config_entry.entry_id)
    try:
        return await leasing.end_all(cause)
    except GatewayError as err:
        raise kernel_refused(err) from err


def validated(
    coordinator: PortShareCoordinator,
    share_id: str,
    device_id: str,
    fields: Mapping[str, object],
) -> Share:
    """Return the share that the fields describe; raise a SharingError otherwise."""
    configuration = coordinator.configuration
    served = coordinator.gateway.facts().served
    share = parse_share(
        share_id,
        device_id,
        fields,
        configuration.ports,
        served | _leased(coordinator),
    )
    check_free(share, configuration.ports, configuration.devices, served)
    _check_leases(coordinator, share, fields)
    _check_confirmed(fields, needs_confirmation(share))
    return share


def _validated_change(
    coordinator: PortShareCoordinator, before: Share, fields: Mapping[str, object]
) -> Share:
    """Return a share with changes; raise a SharingError if they are not valid."""
    configuration = coordinator.configuration
    # What the gateway came to serve later takes nothing from a share that is on.
    served = coordinator.gateway.facts().served
    share = parse_share(
        before.share_id,
        before.device_id,
        _merged(before, fields),
        configuration.ports,
        served | _leased(coordinator),
    )
    claims_more = _claims(share) != _claims(before)
    if before.enabled and not claims_more:
        served = NOTHING_SERVED
    # A share that waits for a port may still be renamed and switched off.
    if share.enabled or claims_more:
        check_free(share, configuration.ports, configuration.devices, served)
    if claims_more:
        _check_leases(coordinator, share, fields)
    _check_confirmed(fields, needs_confirmation(share, before))
    return share


def translated(error: SharingError) -> ServiceValidationError:
    """Return an error of the domain as Home Assistant shows it to a caller."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=error.key,
        translation_placeholders=error.placeholders,
    )


def kernel_refused(error: GatewayError) -> HomeAssistantError:
    """Return an error of the kernel as Home Assistant shows it to a caller."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="kernel_refused",
        translation_placeholders={"detail": str(error)},
    )


def _claims(share: Share) -> tuple[object, ...]:
    """Return what a share wants that others may hold."""
    return share.protocol, share.ports, share.external, share.ipv4, share.ipv6


def _leased(coordinator: PortShareCoordinator) -> frozenset[tuple[Transport, int]]:
    """Return the external ports that devices have mapped, which need not be taken."""
    leases = (state.lease for state in coordinator.latest.leases.values())
    return frozenset(
        (each.transport, each.external_port) for each in leases if not each.address
    )


def _check_leases(
    coordinator: PortShareCoordinator, share: Share, fields: Mapping[str, object]
) -> None:
    """Raise LeasedPortNeedsConfirmation if a device would lose a port to the share."""
    configuration = coordinator.configuration
    target = configuration.devices.get(share.device_id)
    for state in coordinator.latest.leases.values():
        lease = state.lease
        # A pinhole of another device leads elsewhere.
        if lease.address and not (target and target.mac == lease.mac):
            continue
        if contests(share, lease) and not fields.get("confirm"):
            holder = configuration.device_with(lease.mac)
            name = holder.name if holder else lease.mac
            wanted_for = lease.description or f"{lease.transport} {lease.port}".upper()
            raise LeasedPortNeedsConfirmation(lease.external_port, name, wanted_for)


def _check_confirmed(
    fields: Mapping[str, object], needed: NeedsConfirmation | None
) -> None:
    if needed and not fields.get("confirm"):
        raise needed


def _merged(before: Share, fields: Mapping[str, object]) -> dict[str, object]:
    """Return the stored fields of a share with changes.

    A new port without an end is a single port, and a new length moves the end of the
    external ports, too. Another protocol that has none of the share's IP versions is
    shared over those that it has.
    """
    merged = {**share_data(before), **fields}
    if "port" in fields and "port_end" not in fields:
        merged["port_end"] = None
    protocol = parse_protocol(merged["protocol"])
    if protocol.families.isdisjoint(before.families):
        for family in Family:
            merged[family] = fields.get(family, True)
    return merged


async def _look_at_services(coordinator: PortShareCoordinator) -> None:
    """Know what the gateway serves now; the kernel tells nobody when that changes."""
    with suppress(GatewayError):
        await coordinator.gateway.look()


async def _write(
    coordinator: PortShareCoordinator,
    shares: Collection[Share],
    cause: Cause,
    *,
    removed: bool = False,
) -> None:
    try:
        await coordinator.write_shares(shares, cause, removed=removed)
    except GatewayError as err:
        raise kernel_refused(err) from err
