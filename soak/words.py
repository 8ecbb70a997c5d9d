"""What Home Assistant says, beside what it must say."""

from collections.abc import Collection, Iterator
from typing import Any

from demo import portshare
from demo.api import ApiError, Json
from demo.household import Household as House

from .model import DEVICES, Household, ToldLease, ToldShare


class Words:
    """Compares the services' answers and the entities' states with the model."""

    def __init__(self, house: House) -> None:
        """Ask in this house."""
        self._house = house
        self._entities: dict[tuple[str, str, str], str] = {}

    def forget_entities(self) -> None:
        """Look for them anew: devices have come or gone."""
        self._entities.clear()

    async def disagreements(
        self, model: Household, unsure: Collection[str]
    ) -> list[str]:
        """Say what differs. Of `unsure` devices something closes in this second."""
        try:
            shares = await self._house.shares()
            states = {
                state["entity_id"]: state
                for state in await self._house.websocket.command("get_states")
            }
            hosts = (await self._house.websocket.command("portshare/hosts"))["hosts"]
            if not self._entities:
                for each in await portshare.entities(self._house.websocket):
                    key = each.device, each.key or "", each.domain
                    self._entities[key] = each.entity_id
        except ApiError as error:
            return [f"Home Assistant says: {error}"]
        return [
            *_of_shares(model, unsure, shares),
            *_of_switches(model, unsure, shares, states),
            *self._of_gateway(model, states),
            *self._of_devices(model, unsure, states),
            *self._of_hosts(model, hosts),
        ]

    def _of_gateway(self, model: Household, states: dict[str, Json]) -> Iterator[str]:
        yield from self._differs(
            states,
            "Gateway",
            "internet",
            "on" if model.line else "off",
            "binary_sensor",
        )
        if model.line:
            yield from self._differs(states, "Gateway", "external_ipv4", model.wan_ipv4)
            yield from self._differs(states, "Gateway", "external_ipv6", model.wan_ipv6)

    def _of_devices(
        self, model: Household, unsure: Collection[str], states: dict[str, Json]
    ) -> Iterator[str]:
        for device in sorted(model.known):
            may = "on" if device in model.permitted else "off"
            yield from self._differs(states, device, "independent", may, "switch")
            if device in unsure:
                continue
            if (count := model.told_mappings(device)) is not None:
                yield from self._differs(states, device, "mappings", str(count))
            wanted = model.told_leases(device)
            key = device, "independent_mappings", "sensor"
            attributes = self._state(states, key).get("attributes", {})
            told = sorted(map(_lease, attributes.get("leases", ())))
            if told != wanted:
                yield f"{device} has mapped {told}, should be {wanted}"
            yield from self._differs(states, *key[:2], str(len(wanted)))

    def _of_hosts(self, model: Household, hosts: list[Json]) -> Iterator[str]:
        told = {host["mac"]: host["ipv4"] for host in hosts}
        for name in sorted(set(DEVICES) - model.away):
            address = told.get(self._house.demo.home.devices[name].mac)
            if address != model.ipv4(name):
                yield f"{name} is at {address}, should be at {model.ipv4(name)}"

    def _differs(
        self,
        states: dict[str, Json],
        device: str,
        name: str,
        wanted: str,
        domain: str = "sensor",
    ) -> Iterator[str]:
        told = self._state(states, (device, name, domain)).get("state")
        if told != wanted:
            yield f"{device}'s {domain} {name} is {told}, should be {wanted}"

    def _state(self, states: dict[str, Json], key: tuple[str, str, str]) -> Json:
        return states.get(self._entities.get(key, ""), {})


def _of_shares(
    model: Household, unsure: Collection[str], shares: dict[str, Json]
) -> Iterator[str]:
    wanted = model.told_shares()
    if shares.keys() != wanted.keys():
        yield f"list_shares has {sorted(shares)}, should be {sorted(wanted)}"
    for name, share in wanted.items():
        if name in shares and share.device not in unsure:
            told = _share(shares[name], share)
            if told != share:
                yield f"{name} is {told}, should be {share}"


def _of_switches(
    model: Household,
    unsure: Collection[str],
    shares: dict[str, Json],
    states: dict[str, Json],
) -> Iterator[str]:
    switches: dict[str, Any] = {
        state["attributes"]["share_id"]: state["state"]
        for state in states.values()
        if state["entity_id"].startswith("switch.")
        and "share_id" in state["attributes"]
    }
    wanted = {
        shares[name]["share_id"]: "on" if share.enabled else "off"
        for name, share in model.told_shares().items()
        if name in shares
    }
    if switches.keys() != wanted.keys():
        yield f"There are switches of {sorted(switches)}, should be {sorted(wanted)}"
    for name, share in model.told_shares().items():
        if name in shares and share.device not in unsure:
            share_id = shares[name]["share_id"]
            if switches.get(share_id) != wanted[share_id]:
                yield f"The switch of {name} is {switches.get(share_id)}"


def _share(told: Json, wanted: ToldShare) -> ToldShare:
    """What was told, in the words of the model; of several statuses each is right."""
    allowed = told["status"] in wanted.statuses
    return ToldShare(
        device=told["device"],
        protocol=told["protocol"],
        port=told["port"],
        external_port=told["external_port"],
        enabled=told["enabled"],
        statuses=wanted.statuses if allowed else (told["status"],),
        families=(
            wanted.families
            if allowed and len(wanted.statuses) > 1
            else tuple(told["families"])
        ),
        closes=told["closes_at"] is not None,
    )


def _lease(told: Json) -> ToldLease:
    return ToldLease(
        told["protocol"],
        told["port"],
        told["external_port"],
        tuple(sorted(told["asked_by"])),
    )
