/** What the integration's websocket commands say and hear (websocket_api.py). */

export type Family = "ipv4" | "ipv6";
export type Protocol = "tcp" | "udp" | "tcp_udp" | "esp" | "gre" | "ping6" | "exposed_host";
export type Status =
  | "active"
  | "off"
  | "no_internet"
  | "device_unknown"
  | "conflict"
  | "blocked"
  | "error";

export type ById<T> = Readonly<Record<string, T>>;

export interface State {
  readonly gateway: Gateway;
  readonly devices: ById<Device>;
  readonly shares: ById<Share>;
  readonly leases: ById<Lease>;
  readonly traffic: ById<Traffic>;
  readonly applications: readonly Application[];
}

export interface Gateway {
  readonly entry_id: string;
  readonly name: string;
  readonly device_id: string | null;
  /** If not, the kernel cannot be asked, and the rest is what was known before. */
  readonly available: boolean;
  readonly internet: readonly Family[];
  readonly external_ipv4: string | null;
  readonly external_ipv6: string | null;
  readonly dns_name: string;
  readonly open_ports: number;
  /** Devices that may open ports by themselves, and have opened none. */
  readonly unused_permissions: number;
}

export interface Device {
  readonly id: string;
  readonly name: string;
  readonly mac: string;
  readonly ipv4: string | null;
  readonly ipv6: readonly string[];
  readonly online: boolean;
  /** Whether it may open ports by itself. */
  readonly independent: boolean;
  readonly device_id: string | null;
}

/** Ports are null for protocols without ports, and their ends are null for single ports. */
export interface Share {
  readonly id: string;
  readonly device: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number | null;
  readonly port_end: number | null;
  readonly external_port: number | null;
  readonly external_port_end: number | null;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly sources: readonly string[];
  /** What the user wants. */
  readonly enabled: boolean;
  readonly open_until: string | null;
  /** What is true. */
  readonly status: Status;
  /** Over which it is open now. */
  readonly families: readonly Family[];
  readonly calls: readonly string[];
  readonly nobody_listens: boolean | null;
  readonly entity_id: string | null;
}

/** A port that a device has opened by itself. */
export interface Lease {
  readonly id: string;
  readonly mac: string;
  readonly device: string | null;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly external_port: number;
  readonly address: string | null;
  readonly description: string;
  readonly asked_by: readonly string[];
  readonly expires: string;
  readonly status: Status;
  readonly families: readonly Family[];
  readonly calls: readonly string[];
}

export interface Traffic {
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly connections: number;
  readonly last_visitor: string | null;
  readonly last_call: string | null;
}

export interface Application {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number | null;
  readonly port_end: number | null;
}

export interface LogEntry {
  readonly at: string;
  readonly type: string;
  readonly message: string;
  readonly device: string | null;
  readonly device_name: string;
  readonly share: string | null;
  readonly lease: string | null;
  readonly reason: string | null;
  readonly by: string | null;
  readonly request_id: string | null;
}

/** What is on the home network now. */
export interface Host {
  readonly mac: string;
  readonly name: string;
  readonly ipv4: string | null;
  readonly ipv6: readonly string[];
  readonly online: boolean;
  readonly device: string | null;
}

type Changed<T> = Readonly<Record<string, T | null>>;

/** Only what has changed; null is gone. */
export interface Changes {
  readonly gateway?: Gateway;
  readonly devices?: Changed<Device>;
  readonly shares?: Changed<Share>;
  readonly leases?: Changed<Lease>;
  readonly traffic?: Changed<Traffic>;
  /** New entries, the oldest first. */
  readonly log?: readonly LogEntry[];
}

/** A snapshot of null: the integration is not running. */
export type Told = { readonly snapshot: State | null } | { readonly changes: Changes };

export interface ShareFields {
  name: string;
  protocol: Protocol;
  /** A string if it is no number: then the server says so. */
  port: number | string | null;
  port_end: number | string | null;
  external_port: number | string | null;
  external_port_end: number | null;
  ipv4: boolean;
  ipv6: boolean;
  sources: readonly string[];
  enabled: boolean;
  open_until: string | null;
}

export type ShareTarget = { device_id: string } | { mac: string };

export interface Checked {
  readonly external_port: number | null;
  readonly external_port_end: number | null;
  readonly proposal: string | null;
}

export interface Saved {
  readonly share_id: string;
  readonly external_port: number | null;
  readonly call: readonly string[];
}
