// A Home Assistant with the integration's websocket commands, in the browser and in memory.
import { HOSTS, withCalls } from "./homes.mjs";

const TEXTS = {
  missing_port: "Say which port of the device is to be shared.",
  invalid_port: "{value} is not a port number. A port number is a whole number from 1 to 65535.",
  invalid_name: "A name has 1 to 64 characters, on one line.",
  no_family: "Choose IPv4, IPv6 or both.",
  external_port_taken:
    "External port {wanted} is taken: “{share}” has it. The next one free is {proposal}.",
  needs_confirmation:
    "{services}: whoever gets in there can control the device, and the whole internet may try. A VPN is safer.",
  kernel_refused: "The kernel refused the change, and nothing was changed: {detail}",
};

class Refused extends Error {
  constructor(code, translation_key, translation_placeholders = {}) {
    super(translation_key);
    Object.assign(this, { code, translation_key, translation_placeholders });
    this.translation_domain = "portshare";
  }
}

export class FakeHomeAssistant extends EventTarget {
  /** Commands and services that were called, for tests. */
  calls = [];
  /** What was checked while it was typed. */
  checks = [];
  /** What the next command is refused with, if anything. */
  refusal;
  /** How long an answer takes. */
  delay = 20;
  connected = true;
  subscribers = new Set();
  listeners = new Set();

  constructor(state, language, isAdmin) {
    super();
    this.state = state;
    this.locale = { language, time_format: "language", time_zone: "local" };
    this.language = language;
    this.isAdmin = isAdmin;
    this.connection = {
      addEventListener: (_, listener) => this.listeners.add(listener),
      removeEventListener: (_, listener) => this.listeners.delete(listener),
      subscribeMessage: (callback) => this.subscribe(callback),
    };
  }

  hass() {
    return {
      connection: this.connection,
      connected: this.connected,
      language: this.language,
      locale: this.locale,
      config: { time_zone: "Europe/Berlin" },
      user: { is_admin: this.isAdmin },
      callWS: (message) => this.command(message),
      callService: (domain, service, data) => this.service(domain, service, data),
      loadBackendTranslation: async () => localize,
    };
  }

  async subscribe(callback) {
    if (!this.isAdmin) throw { code: "unauthorized", message: "Unauthorized" };
    if (this.starting) throw { code: "unknown_command", message: "Unknown command." };
    const { log, ...snapshot } = this.state;
    this.subscribers.add(callback);
    queueMicrotask(() => callback({ snapshot }));
    return async () => {
      if (!this.subscribers.delete(callback)) this.calls.push(["unsubscribed what is gone"]);
    };
  }

  /** Restart: the connection is gone, and all that was subscribed. */
  disconnect() {
    this.connected = false;
    this.subscribers.clear();
    this.dispatchEvent(new Event("changed"));
  }

  reconnect() {
    this.connected = true;
    this.dispatchEvent(new Event("changed"));
    for (const listener of this.listeners) listener();
  }

  /** Change something, and tell all. */
  change(changes) {
    for (const kind of ["devices", "shares", "leases", "traffic"])
      for (const [id, one] of Object.entries(changes[kind] ?? {})) {
        this.state[kind] = { ...this.state[kind], [id]: one };
        if (one === null) delete this.state[kind][id];
      }
    if (changes.log) this.state.log = [...this.state.log, ...changes.log];
    const all = [...Object.values(this.state.shares), ...Object.values(this.state.leases)];
    const open_ports = all.filter((one) => one.status === "active").length;
    this.state.gateway = { ...this.state.gateway, open_ports, ...changes.gateway };
    for (const tell of this.subscribers)
      tell({ changes: { ...changes, gateway: this.state.gateway } });
  }

  async command({ type, ...data }) {
    const name = type.slice("portshare/".length);
    const silent = name === "log" || name === "hosts" || name === "share/check";
    if (!silent) this.calls.push([name, data]);
    if (name === "share/check") this.checks.push(data);
    await new Promise((resolve) => setTimeout(resolve, this.delay));
    if (this.refusal && !silent) throw this.take();
    return this[name](data);
  }

  async service(domain, service, data) {
    this.calls.push([`${domain}.${service}`, data]);
    await new Promise((resolve) => setTimeout(resolve, this.delay));
    if (this.refusal) throw this.take();
    const { shares } = this.state;
    if (domain === "switch") {
      const share = Object.values(shares).find((one) => one.entity_id === data.entity_id);
      this.store({ ...share, enabled: service === "turn_on", open_until: null });
    }
    if (service === "open_temporarily") {
      const open_until = new Date(Date.now() + data.duration.minutes * 60_000).toISOString();
      this.store({ ...shares[data.share_id], enabled: true, open_until });
    }
    if (service === "close_all")
      for (const share of Object.values(shares)) this.store({ ...share, enabled: false });
    if (service === "disable_independent") this.change({ gateway: { unused_permissions: 0 } });
  }

  /** Resolves when all answers have been given, and heard. */
  async idle() {
    await new Promise((resolve) => setTimeout(resolve, this.delay));
    await new Promise(requestAnimationFrame);
  }

  take() {
    const refusal = this.refusal;
    this.refusal = undefined;
    return refusal;
  }

  store(share) {
    const status = share.enabled ? "active" : "off";
    const whole = withCalls({ ...share, status }, this.state.devices[share.device]);
    this.change({ shares: { [share.id]: whole } });
  }

  log = () => ({ entries: this.state.log });

  hosts = () => ({ hosts: HOSTS });

  "share/check" = ({ share_id, ...fields }) => {
    const share = share_id ? this.state.shares[share_id] : undefined;
    return this.checked({ ...share, ...fields, id: share_id }, false);
  };

  "share/add" = ({ device_id, confirm, ...fields }) => {
    const { external_port } = this.checked({ ...fields, id: undefined }, confirm);
    const id = `new${Object.keys(this.state.shares).length}`;
    const entity_id = `switch.${id}`;
    this.store({
      ...fields,
      external_port,
      id,
      device: device_id,
      entity_id,
      nobody_listens: null,
    });
    return { share_id: id, external_port, call: [] };
  };

  "share/update" = ({ share_id, confirm, ...fields }) => {
    const share = { ...this.state.shares[share_id], ...fields };
    const { external_port } = this.checked(share, confirm);
    this.store({ ...share, external_port });
    return { share_id, external_port, call: [] };
  };

  "share/remove" = ({ share_id }) => this.change({ shares: { [share_id]: null } });

  "device/add" = ({ mac, name, share }) => {
    const host = HOSTS.find((one) => one.mac === mac);
    const { ipv4 = null, ipv6 = [], online = false } = host ?? {};
    if (share) this.checked(share, share.confirm);
    const device_id = `device_${mac}`;
    const device = { id: device_id, name: name ?? (host?.name || mac), mac, ipv4, ipv6, online };
    this.change({ devices: { [device_id]: { ...device, independent: false, device_id: null } } });
    if (share) this["share/add"]({ device_id, ...share });
    return { device_id };
  };

  "device/update" = ({ device_id, ...fields }) => {
    if (fields.name === "") throw new Refused("name", "invalid_name");
    this.change({ devices: { [device_id]: { ...this.state.devices[device_id], ...fields } } });
  };

  "device/remove" = ({ device_id }) => {
    const gone = (all) =>
      Object.fromEntries(
        Object.values(all)
          .filter((one) => one.device === device_id)
          .map((one) => [one.id, null]),
      );
    const { shares, leases } = this.state;
    this.change({ devices: { [device_id]: null }, shares: gone(shares), leases: gone(leases) });
  };

  /** What the rules of the integration say, some of them. */
  checked({ id, name, protocol, port, external_port, ipv4, ipv6 }, confirm) {
    if (!name) throw new Refused("name", "invalid_name");
    if (!ipv4 && !ipv6) throw new Refused("ipv4", "no_family");
    const withPorts = ["tcp", "udp", "tcp_udp"].includes(protocol);
    if (!withPorts) return { external_port: null, external_port_end: null, proposal: null };
    if (port === null) throw new Refused("port", "missing_port");
    for (const [field, value] of Object.entries({ port, external_port }))
      if (value !== null && !(value >= 1 && value <= 65535))
        throw new Refused(field, "invalid_port", { value: String(value) });
    const others = Object.values(this.state.shares).filter(
      (one) => one.id !== id && one.status !== "conflict",
    );
    const taker = (wanted) => others.find((one) => one.external_port === wanted);
    let free = external_port ?? port;
    while (taker(free)) free += 1;
    if (external_port !== null && taker(external_port))
      throw new Refused("external_port", "external_port_taken", {
        wanted: String(external_port),
        share: taker(external_port).name,
        proposal: String(free),
      });
    if ([22, 3389, 8123].includes(port) && !confirm)
      throw new Refused("confirm", "needs_confirmation", { services: `Port ${port}` });
    return { external_port: free, external_port_end: null, proposal: null };
  }
}

function localize(key, placeholders = {}) {
  const text = TEXTS[key.split(".")[3]] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, name) => placeholders[name]);
}
