// Homes to look at: states as the server sends them.

const MINUTE = 60_000;
const at = (minutes) => new Date(Date.now() + minutes * MINUTE).toISOString();

export const APPLICATIONS = [
  ["Web server (HTTP)", "tcp", 80],
  ["Web server (HTTPS)", "tcp", 443],
  ["Home Assistant", "tcp", 8123],
  ["SSH and SFTP", "tcp", 22],
  ["WireGuard", "udp", 51820],
  ["Syncthing", "tcp_udp", 22000],
  ["BitTorrent", "tcp_udp", 6881, 6889],
  ["Minecraft (Java Edition)", "tcp", 25565],
  ["IPsec VPN (ESP)", "esp"],
  ["Ping (IPv6)", "ping6"],
  ["Exposed host (everything)", "exposed_host"],
].map(([name, protocol, port = null, port_end = null]) => ({ name, protocol, port, port_end }));

const GATEWAY = {
  entry_id: "entry",
  name: "Gateway",
  device_id: "gw",
  available: true,
  internet: ["ipv4", "ipv6"],
  external_ipv4: "203.0.113.7",
  external_ipv6: "2001:db8:1::1",
  dns_name: "home.example.org",
  open_ports: 0,
  unused_permissions: 1,
  loaded: true,
};

function device(id, name, number, more = {}) {
  const hex = number.toString(16).padStart(4, "0");
  return {
    id,
    name,
    mac: `02:00:5e:00:${hex.slice(0, 2)}:${hex.slice(2)}`,
    ipv4: `192.168.${178 + (number >> 8)}.${number & 255}`,
    ipv6: [`2001:db8:1:2::${number.toString(16)}`],
    online: true,
    independent: false,
    device_id: `registry_${id}`,
    ...more,
  };
}

export function share(id, device, name, protocol, port, more = {}) {
  const whole = {
    id,
    device: device.id,
    name,
    protocol,
    port,
    port_end: null,
    external_port: port,
    external_port_end: null,
    ipv4: true,
    ipv6: true,
    sources: [],
    enabled: true,
    open_until: null,
    status: "active",
    nobody_listens: false,
    entity_id: `switch.${id}`,
    ...more,
  };
  return withCalls(whole, device);
}

/** The share with what follows from its status. */
export function withCalls(share, device) {
  const families = ["ipv4", "ipv6"].filter((family) => share[family]);
  const calls = [];
  if (share.ipv4 && share.external_port) calls.push(`203.0.113.7:${share.external_port}`);
  if (share.ipv6 && share.port && device.ipv6[0]) calls.push(`[${device.ipv6[0]}]:${share.port}`);
  if (share.ipv4 && share.external_port) calls.push(`home.example.org:${share.external_port}`);
  return { ...share, families: share.status === "active" ? families : [], calls };
}

function lease(id, device, description, protocol, port, more = {}) {
  return {
    id,
    mac: device.mac,
    device: device.id,
    protocol,
    port,
    external_port: port,
    address: null,
    description,
    asked_by: ["pcp"],
    expires: at(94),
    status: "active",
    families: ["ipv4"],
    calls: [`203.0.113.7:${port}`],
    ...more,
  };
}

export const HOSTS = [
  ["NAS", 0x15, true, "nas"],
  ["Printer in the study", 0x31, true, null],
  ["Laptop", 0x32, false, null],
  ["Camera", 0x33, true, null],
  ["", 0x34, true, null],
].map(([name, number, online, id]) => {
  const { mac, ipv4, ipv6 } = device("", name, number);
  return { mac, name, ipv4, ipv6, online, device: id };
});

export function home() {
  const nas = device("nas", "NAS", 0x15, {
    ipv6: ["2001:db8:1:2::15", "2001:db8:1:2:a4f1:22ff:fe08:15"],
  });
  const console_ = device("console", "PlayStation", 0x20, { independent: true });
  const pi = device("pi", "Raspberry Pi", 0x18);
  const desktop = device("desktop", "Workshop PC", 0x40, {
    online: false,
    ipv4: null,
    ipv6: [],
    independent: true,
  });
  const devices = [nas, console_, pi, desktop];
  const shares = [
    share("web", nas, "Web server (HTTPS)", "tcp", 443, { external_port: 8443 }),
    share("sync", nas, "Syncthing", "tcp_udp", 22000),
    share("ssh", nas, "SSH and SFTP", "tcp", 22, {
      external_port: 2222,
      sources: ["198.51.100.0/24", "office.example.net"],
      open_until: at(43),
      ipv6: false,
    }),
    share("torrent", nas, "BitTorrent", "tcp_udp", 6881, {
      port_end: 6889,
      external_port_end: 6889,
      enabled: false,
      status: "off",
    }),
    share("vpn", pi, "WireGuard", "udp", 51820, { nobody_listens: true }),
    share("ping", pi, "Ping (IPv6)", "ping6", null, { external_port: null, ipv4: false }),
    share("mail", pi, "Mail server (SMTP)", "tcp", 25, { status: "blocked" }),
    share("old", pi, "Old web server", "tcp", 80, { status: "conflict", external_port: 8443 }),
    share("rdp", desktop, "Remote desktop", "tcp", 3389, { status: "device_unknown" }),
  ];
  const leases = [
    lease("l1", console_, "PSN voice", "udp", 3074),
    lease("l2", console_, "Remote Play", "tcp", 9295, {
      asked_by: ["upnp"],
      expires: at(11),
    }),
    lease("l3", console_, "", "udp", 9297, {
      address: "2001:db8:1:2::20",
      families: ["ipv6"],
      calls: ["[2001:db8:1:2::20]:9297"],
    }),
  ];
  const traffic = {
    web: traffic_(48_200_000, 2_310_000_000, 1843, "198.51.100.23", at(-4)),
    sync: traffic_(310_000_000, 95_000_000, 12, "2001:db8:ffff::7", at(-190)),
    vpn: traffic_(0, 0, 0, null, null),
  };
  return stateOf(devices, shares, leases, traffic, LOG());
}

function traffic_(bytes_in, bytes_out, connections, last_visitor, last_call) {
  return { bytes_in, bytes_out, connections, last_visitor, last_call };
}

const LOG = () => [
  entry(-1500, "share_added", "“BitTorrent” (external 6881) was added", "nas", { by: "Anna" }),
  entry(-1499, "share_disabled", "“BitTorrent” (external 6881) was closed", "nas", { by: "Anna" }),
  entry(-400, "internet_lost", "lost the internet", null),
  entry(-390, "internet_restored", "has the internet again: 203.0.113.7", null),
  entry(
    -390,
    "share_enabled",
    "“Web server” was opened again, after 10 min without internet",
    "nas",
  ),
  entry(-44, "mapping_added", "opened “PSN voice” (external 3074) by itself", "console"),
  entry(
    -20,
    "mapping_requested",
    "(02:00:5e:00:00:33) asks for “RTSP”, and may not have it",
    null,
    {
      device_name: "Camera",
      request_id: "request1",
    },
  ),
  entry(-17, "share_enabled", "“SSH and SFTP” (external 2222) was opened to the internet", "nas", {
    by: "Ben",
  }),
];

export function entry(minutes, type, message, device, more = {}) {
  const names = { nas: "NAS", console: "PlayStation", pi: "Raspberry Pi" };
  return {
    at: at(minutes),
    type,
    message,
    device,
    device_name: device ? names[device] : "Gateway",
    share: null,
    lease: null,
    reason: null,
    by: null,
    request_id: null,
    ...more,
  };
}

export function emptyHome() {
  return stateOf([], [], [], {}, []);
}

/** 500 devices with 2,000 shares. */
export function largeHome() {
  const devices = [];
  const shares = [];
  for (let number = 0; number < 500; number++) {
    const one = device(`d${number}`, `Device ${number}`, number + 1, { online: number % 7 > 0 });
    devices.push(one);
    for (let index = 0; index < 4; index++) {
      const { name, protocol } = APPLICATIONS[index];
      const off = (number + index) % 3 === 0;
      shares.push(
        share(`s${number}_${index}`, one, name, protocol, 1000 + number * 4 + index, {
          enabled: !off,
          status: off ? "off" : "active",
        }),
      );
    }
  }
  return stateOf(devices, shares, [], {}, []);
}

function stateOf(devices, shares, leases, traffic, log) {
  const byId = (all) => Object.fromEntries(all.map((one) => [one.id, one]));
  const open_ports = [...shares, ...leases].filter((one) => one.status === "active").length;
  return {
    gateway: { ...GATEWAY, open_ports },
    devices: byId(devices),
    shares: byId(shares),
    leases: byId(leases),
    traffic,
    applications: APPLICATIONS,
    log,
  };
}
