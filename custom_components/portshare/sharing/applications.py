"""The catalogue of well-known applications, and the ports that they listen on.

Port numbers are those of IANA's registry or of the application's own documents. The
names that people read are translated by `key`.
"""

from dataclasses import dataclass
from typing import Final

from .model import ALL_PORTS, PortRange, Protocol


@dataclass(frozen=True, slots=True)
class Application:
    """Something that people share, and what must be open for it.

    `ports` are all ports if the protocol has none.
    """

    key: str
    protocol: Protocol
    ports: PortRange


def _tcp(key: str, first: int, last: int = 0) -> Application:
    return Application(key, Protocol.TCP, PortRange(first, last or first))


def _udp(key: str, first: int, last: int = 0) -> Application:
    return Application(key, Protocol.UDP, PortRange(first, last or first))


def _both(key: str, first: int, last: int = 0) -> Application:
    return Application(key, Protocol.TCP_UDP, PortRange(first, last or first))


def _all(key: str, protocol: Protocol) -> Application:
    return Application(key, protocol, ALL_PORTS)


APPLICATIONS: Final[tuple[Application, ...]] = (
    # Web. Nextcloud, CalDAV and many others are shared as one of these.
    _tcp("http", 80),
    _tcp("https", 443),
    _both("https_http3", 443),
    _tcp("http_alternative", 8080),
    _tcp("https_alternative", 8443),
    # The smart home
    _tcp("home_assistant", 8123),
    _tcp("mqtt_tls", 8883),
    # Remote access
    _tcp("ssh", 22),
    _udp("mosh", 60000, 61000),
    # RDP is faster over UDP where both sides can do it.
    _both("rdp", 3389),
    _tcp("vnc", 5900),
    _tcp("proxmox", 8006),
    _tcp("synology_dsm", 5001),
    # VPN
    _udp("wireguard", 51820),
    _udp("openvpn", 1194),
    # IPsec needs both: behind address translation it moves from the one to the other.
    _udp("ipsec_ike", 500),
    _udp("ipsec_nat_t", 4500),
    _all("ipsec_esp", Protocol.ESP),
    _udp("l2tp", 1701),
    # PPTP is the control connection, and GRE the tunnel (RFC 2637).
    _tcp("pptp", 1723),
    _all("gre", Protocol.GRE),
    _udp("tailscale", 41641),
    _udp("zerotier", 9993),
    # Files. FTP is the control connection only: for passive transfers the server names
    # ports of a range that is set there, and that range needs a share of its own.
    _tcp("ftp", 21),
    _tcp("ftps", 990),
    _tcp("rsync", 873),
    _tcp("git", 9418),
    _both("syncthing", 22000),
    _both("bittorrent", 6881, 6889),
    _both("transmission", 51413),
    # Mail
    _tcp("smtp", 25),
    _tcp("submission", 587),
    _tcp("submissions", 465),
    _tcp("imaps", 993),
    _tcp("pop3s", 995),
    # Media
    _tcp("plex", 32400),
    _tcp("jellyfin", 8096),
    _tcp("rtmp", 1935),
    _tcp("rtsp", 554),
    # Talking
    _udp("teamspeak", 9987),
    _tcp("teamspeak_files", 30033),
    _both("mumble", 64738),
    _both("sip", 5060),
    _tcp("sip_tls", 5061),
    _both("turn", 3478),
    _tcp("xmpp_client", 5222),
    _tcp("xmpp_server", 5269),
    _tcp("matrix_federation", 8448),
    # Names
    _both("dns", 53),
    _tcp("dns_tls", 853),
    # Games
    _tcp("minecraft_java", 25565),
    _udp("minecraft_bedrock", 19132),
    _udp("luanti", 30000),
    _udp("factorio", 34197),
    _both("satisfactory", 7777),
    _tcp("satisfactory_messaging", 8888),
    _tcp("terraria", 7777),
    _udp("valheim", 2456, 2457),
    _udp("palworld", 8211),
    _udp("project_zomboid", 16261, 16262),
    _both("source_engine", 27015),
    # A whole device
    _all("ping6", Protocol.PING6),
    _all("exposed_host", Protocol.EXPOSED_HOST),
)

BY_KEY: Final = {application.key: application for application in APPLICATIONS}
