from collections.abc import Iterator
from datetime import timedelta

import pytest

from custom_components.portshare.sharing import errors
from custom_components.portshare.sharing.errors import SharingError
from custom_components.portshare.sharing.model import Family, Protocol, Transport

from .builders import ports, share

HOLDER = share("2", "pc", 80, name="Blog")
EVERY_ERROR = (
    errors.InvalidPort("port", object()),
    errors.MissingPort(),
    errors.InvertedRange("port_end", 2, 1),
    errors.UnequalRanges(ports(1, 2), ports(1)),
    errors.RangeBeyondLastPort(65535, 2),
    errors.ExternalPortTaken(ports(80), HOLDER, "PC", ports(81)),
    errors.ExternalPortTaken(ports(80), HOLDER, "PC", None),
    errors.DevicePortTaken(ports(80), HOLDER, "PC"),
    errors.DeviceSharesAlready(HOLDER, "PC"),
    errors.ProtocolTaken(HOLDER, "PC"),
    errors.ExposedHostTaken(HOLDER, "PC"),
    errors.ServedByGateway(22, Transport.TCP, ports(23)),
    errors.ServedByGateway(22, Transport.TCP, None),
    errors.NeedsConfirmation("SSH (22)"),
    errors.ExposedHostNeedsConfirmation("Exposed host"),
    errors.LeasedPortNeedsConfirmation(6881, "PC", "a game"),
    errors.InvalidSource("?"),
    errors.TooManySources(33, 32),
    errors.NoSourceOfFamily({Family.IPV4}),
    errors.ProtocolWithoutFamily(Protocol.ESP),
    errors.NoExternalPortFree(2),
    errors.InvalidName(),
    errors.InvalidProtocol(None),
    errors.NoFamily(),
    errors.InvalidDevice(""),
    errors.MulticastMac("ff:ff:ff:ff:ff:ff"),
    errors.GatewayItself("192.168.1.1"),
    errors.OutsideLan("192.0.2.1"),
    errors.NobodyAnswers("192.168.1.9"),
    errors.InvalidDuration(timedelta(seconds=1)),
    errors.InvalidTime("soon"),
    errors.DeviceExists("02:00:5e:00:00:21"),
    errors.UnknownShare("1"),
    errors.UnknownDevice("1"),
)


def kinds(of: type[SharingError] = SharingError) -> Iterator[type[SharingError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_kind_of_error_is_looked_at_here() -> None:
    assert {type(error) for error in EVERY_ERROR} == set(kinds())


def test_every_kind_of_error_has_a_text_of_its_own() -> None:
    keys = [vars(kind)["key"] for kind in kinds()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: error.key)
def test_an_error_can_be_told(error: SharingError) -> None:
    assert isinstance(error, ValueError)
    assert error.field
    for name, value in error.placeholders.items():
        assert name.isidentifier()
        assert isinstance(value, str)
        assert f"{name}={value}" in str(error)
    assert str(error).startswith(error.key)
