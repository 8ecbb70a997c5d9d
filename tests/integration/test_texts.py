"""What people read: complete, in both languages, and with what it promises to name."""

import inspect
import json
from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml  # type: ignore[import-untyped]

from checks import problems
from custom_components.portshare.const import DOMAIN
from custom_components.portshare.events import EventType, Reason
from custom_components.portshare.gateway.preflight import PreflightError
from custom_components.portshare.services import Service
from custom_components.portshare.sharing import errors
from custom_components.portshare.sharing.applications import APPLICATIONS
from custom_components.portshare.sharing.errors import SharingError
from custom_components.portshare.sharing.model import (
    Family,
    PortRange,
    Protocol,
    Share,
    Status,
)
from custom_components.portshare.subentry_flow import OTHER_APPLICATION, SHARE_SCHEMA
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "custom_components" / DOMAIN

LANGUAGES = sorted(path.stem for path in (HOUSE / "translations").glob("*.json"))

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def texts(language: str) -> Any:
    return json.loads((HOUSE / "translations" / f"{language}.json").read_text())


EN = texts("en")
SERVICES = yaml.safe_load((HOUSE / "services.yaml").read_text())


def all_of[T](kind: type[T]) -> list[type[T]]:
    return [each for sub in kind.__subclasses__() for each in (sub, *all_of(sub))]


SHARE = Share(
    share_id="01",
    device_id="02",
    name="Web",
    protocol=Protocol.TCP,
    ports=PortRange(80, 80),
    external=PortRange(80, 80),
    ipv4=True,
    ipv6=True,
    enabled=True,
)
EXAMPLES: dict[str, Any] = {
    "field": "port",
    "first": 1,
    "last": 2,
    "count": 3,
    "ports": SHARE.ports,
    "external": SHARE.external,
    "wanted": SHARE.ports,
    "holder": SHARE,
    "holder_device": "NAS",
    "proposal": None,
    "share_id": "01",
    "families": {Family.IPV4},
    "protocol": Protocol.ESP,
}


def example(kind: type[SharingError]) -> SharingError:
    """Return an error of this kind, made of whatever its constructor asks for."""
    if kind.__init__ is SharingError.__init__:
        return kind()
    parameters = list(inspect.signature(kind).parameters)
    return kind(*(EXAMPLES.get(name, "something") for name in parameters))


def test_the_files_of_the_integration_keep_what_they_promise_each_other() -> None:
    """scripts/check-integration, with this Home Assistant."""
    assert problems(ROOT) == []


def test_there_are_two_languages() -> None:
    assert LANGUAGES == ["de", "en"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", all_of(SharingError), ids=lambda kind: kind.__name__)
def test_every_error_has_its_text_with_what_it_names(
    kind: type[SharingError], language: str
) -> None:
    error = example(kind)
    said = texts(language)
    text = said["exceptions"][error.key]["message"]
    assert set(_PLACEHOLDER.findall(text)) <= error.placeholders.keys()
    shown = said["config_subentries"]["device"]["error"]
    if error.key in shown:
        assert shown[error.key] == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_its_text(language: str) -> None:
    event = texts(language)["entity"]["event"]["port_sharing"]["state_attributes"]
    assert event["reason"]["state"].keys() == set(Reason)
    log = texts(language)["selector"]["log"]["options"]
    by_whom = {Reason.USER, Reason.AUTOMATION, Reason.SERVICE}
    of_leases = {Reason.PERMISSION, Reason.LEASE, Reason.REQUEST}
    told = {key.removeprefix("share_") for key in log if key.startswith("share_")}
    assert told == {
        f"{what}_{reason}"
        for what, reasons in (
            ("added", by_whom),
            ("removed", by_whom),
            ("enabled", set(Reason) - of_leases - {Reason.EXPIRED}),
            ("disabled", set(Reason) - of_leases),
        )
        for reason in reasons
    }
    assert {key for key in log if not key.startswith("share_")} == {
        "with_port",
        "mapping_added_lease",
        *(
            f"mapping_removed_{reason}"
            for reason in (
                *by_whom,
                Reason.LEASE,
                Reason.EXPIRED,
                Reason.PERMISSION,
                Reason.CONFLICT,
            )
        ),
        *(kind for kind in EventType if not kind.startswith("share_")),
    } - {EventType.MAPPING_ADDED, EventType.MAPPING_REMOVED}


FIELDS = {str(key) for key in SHARE_SCHEMA.schema} | {"device", "name", "share_id"}


@pytest.mark.parametrize("kind", all_of(SharingError), ids=lambda kind: kind.__name__)
def test_every_error_that_a_form_can_have_is_shown_there(
    kind: type[SharingError],
) -> None:
    if example(kind).field in FIELDS:
        assert kind.key in EN["config_subentries"]["device"]["error"]


def test_no_two_errors_have_the_same_key() -> None:
    keys = [kind.key for kind in all_of(SharingError)]
    keys += [kind.key for kind in all_of(PreflightError)]
    assert len(keys) == len(set(keys))
    assert errors.SharingError not in all_of(SharingError)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", all_of(PreflightError), ids=lambda kind: kind.__name__)
def test_what_a_gateway_lacks_is_said_alike_in_the_flow_and_later(
    kind: type[PreflightError], language: str
) -> None:
    said = texts(language)
    assert said["config"]["abort"][kind.key] == said["exceptions"][kind.key]["message"]
    assert not _PLACEHOLDER.findall(said["config"]["abort"][kind.key])


def test_every_application_and_every_protocol_has_a_name() -> None:
    options = EN["selector"]["application"]["options"]
    assert options.keys() == {each.key for each in APPLICATIONS} | {OTHER_APPLICATION}
    assert EN["selector"]["protocol"]["options"].keys() == {
        each.value for each in Protocol
    }
    attributes = EN["entity"]["switch"]["share"]["state_attributes"]
    assert attributes["status"]["state"].keys() == {each.value for each in Status}
    assert attributes["protocol"]["state"].keys() == {each.value for each in Protocol}


@pytest.mark.parametrize("name", [Service.ADD_SHARE, Service.UPDATE_SHARE])
def test_the_services_offer_what_the_form_offers(name: str) -> None:
    assert {str(key) for key in SHARE_SCHEMA.schema} <= SERVICES[name]["fields"].keys()


@pytest.mark.parametrize("step", ["share", "edit_share"])
def test_every_field_of_the_form_of_a_share_is_described(step: str) -> None:
    said = EN["config_subentries"]["device"]["step"][step]
    fields = {str(key) for key in SHARE_SCHEMA.schema}
    assert said["data"].keys() == said["data_description"].keys() == fields


async def test_the_entities_that_there_are_have_texts_and_no_others_have(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    entities = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    keys: dict[str, set[str]] = {}
    for each in entities:
        assert each.translation_key
        keys.setdefault(each.domain, set()).add(each.translation_key)
    assert keys == {domain: set(said) for domain, said in EN["entity"].items()}
