"""Debian's miniupnpd in a namespace: another server of the same protocols."""

from collections.abc import Iterator
import contextlib
from dataclasses import dataclass
import os
from pathlib import Path
import signal
import socket
import tempfile
import time

from custom_components.portshare.independent import natpmp
from demo import netns
from demo.home import LAN, LAN_LINK, WAN_LINK, Home
from demo.netns import Namespace

PORT = 5000
DESCRIPTION = f"http://{LAN.ipv4}:{PORT}/rootDesc.xml"
CONTROL = "/ctl/IPConn"

# It serves nobody while its own address is one that the internet cannot call, as all
# addresses for documentation are; so it is told one of the internet.
EXTERNAL = "8.8.4.4"

_CONFIGURATION = f"""\
ext_ifname={WAN_LINK}
ext_ip={EXTERNAL}
listening_ip={LAN_LINK}
http_port={PORT}
enable_upnp=yes
enable_natpmp=yes
secure_mode=yes
system_uptime=no
uuid=00000000-0000-0000-0000-000000000001
upnp_table_name=miniupnpd
upnp_nat_table_name=miniupnpd
upnp_forward_chain=forwarded
upnp_nat_chain=called
upnp_nat_postrouting_chain=answered
allow 1024-65535 192.168.178.0/24 1-65535
deny 0-65535 0.0.0.0/0 0-65535
"""

# What its own script for nftables makes, but it lets other packets through.
_TABLE = """\
table inet miniupnpd {
    chain forward {
        type filter hook forward priority 0; policy accept;
        jump forwarded
    }
    chain forwarded { }
    chain prerouting {
        type nat hook prerouting priority -100; policy accept;
        jump called
    }
    chain called { }
    chain postrouting {
        type nat hook postrouting priority 100; policy accept;
        jump answered
    }
    chain answered { }
}
"""

_ADDRESS_REQUEST = bytes([natpmp.VERSION, 0])
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Miniupnpd:
    """One that runs."""

    pid: int


@contextlib.contextmanager
def running(home: Home, *options: str) -> Iterator[Miniupnpd]:
    """Run one in the gateway of a home, with these options beside ours."""
    gateway = home.gateway
    with tempfile.TemporaryDirectory() as directory:
        configuration = Path(directory, "miniupnpd.conf")
        configuration.write_text(_CONFIGURATION, encoding="ascii")
        pid_file = Path(directory, "pid")
        gateway.run("nft", "-f", "-", stdin=_TABLE)
        before = set(netns.processes(gateway))
        # It goes into the background: with -d it would write a log, and be ten times
        # slower.
        gateway.run(
            "miniupnpd", "-f", str(configuration), "-P", str(pid_file), *options
        )
        try:
            (pid,) = set(netns.processes(gateway)) - before
            _wait_until_it_answers(home.devices["nas"].namespace)
            yield Miniupnpd(pid)
        finally:
            for each in set(netns.processes(gateway)) - before:
                os.kill(each, signal.SIGKILL)
            gateway.run("nft", "delete", "table", "inet", "miniupnpd", check=False)


def _wait_until_it_answers(device: Namespace) -> None:
    """Ask it for its address, by the last of its sockets that it opens."""
    with netns.socket_in(device, socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((LAN.ipv4, natpmp.SERVER_PORT))
        sock.settimeout(0.1)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                sock.send(_ADDRESS_REQUEST)
                sock.recv(64)
                return
    raise TimeoutError("miniupnpd does not answer")
