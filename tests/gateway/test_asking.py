"""The gateway finds out who has an address at home."""

from ipaddress import ip_address

from custom_components.portshare.gateway.gateway import Gateway
from demo.home import LAN_LINK, Home


async def test_the_kernel_asks_if_it_does_not_know(
    gateway: Gateway, home: Home
) -> None:
    nas = home.devices["nas"]
    home.gateway.ip([f"neigh flush dev {LAN_LINK}"])
    assert await gateway.device_at(ip_address(nas.addresses.ipv4)) == nas.mac


async def test_nobody_answers(gateway: Gateway) -> None:
    assert await gateway.device_at(ip_address("192.168.178.99")) is None
