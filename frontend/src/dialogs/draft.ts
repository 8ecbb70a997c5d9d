import type { Application, Protocol, Share, ShareFields } from "../server/contract";
import { hasPorts } from "../format";

/** For how many minutes a share can be opened here. */
export const DURATIONS: readonly number[] = [15, 60, 240, 720, 1440, 10080];

/** When the share is to be open: until it is switched off, not yet, as it is, or for minutes. */
export type Opening = "on" | "off" | "keep" | number;

/** A share as it stands in the form. */
export interface Draft {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: string;
  readonly portEnd: string;
  readonly externalPort: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Whether only `sources` may call. */
  readonly restricted: boolean;
  readonly sources: string;
  readonly opening: Opening;
}

/** The fields of the form, as an error is shown at one of them. */
export type DraftField =
  | "device"
  | "name"
  | "protocol"
  | "port"
  | "external_port"
  | "families"
  | "sources"
  | "open"
  | "confirm"
  | "base";

const FIELD_OF_CODE: Readonly<Record<string, DraftField>> = {
  device: "device",
  device_id: "device",
  mac: "device",
  name: "name",
  protocol: "protocol",
  port: "port",
  port_end: "port",
  external_port: "external_port",
  external_port_end: "external_port",
  ipv4: "families",
  ipv6: "families",
  sources: "sources",
  enabled: "open",
  open_until: "open",
  confirm: "confirm",
};

export function fieldOfCode(code: string): DraftField {
  return FIELD_OF_CODE[code] ?? "base";
}

export const NEW_DRAFT: Draft = {
  name: "",
  protocol: "tcp",
  port: "",
  portEnd: "",
  externalPort: "",
  ipv4: true,
  ipv6: true,
  restricted: false,
  sources: "",
  opening: "on",
};

export function draftOf(share: Share): Draft {
  return {
    name: share.name,
    protocol: share.protocol,
    port: text(share.port),
    portEnd: text(share.port_end),
    externalPort: text(share.external_port),
    ipv4: share.ipv4,
    ipv6: share.ipv6,
    restricted: share.sources.length > 0,
    sources: share.sources.join("\n"),
    opening: !share.enabled ? "off" : share.open_until ? "keep" : "on",
  };
}

export function withApplication(draft: Draft, application: Application): Draft {
  return withProtocol(
    {
      ...draft,
      name: application.name,
      port: text(application.port),
      portEnd: text(application.port_end),
      externalPort: "",
    },
    application.protocol,
  );
}

/** The draft with this protocol, over the families that it exists for. */
export function withProtocol(draft: Draft, protocol: Protocol): Draft {
  const before = familiesOf(draft.protocol);
  const now = familiesOf(protocol);
  const free = before.ipv4 && before.ipv6;
  return {
    ...draft,
    protocol,
    ipv4: now.ipv4 && (free && now.ipv6 ? draft.ipv4 : true),
    ipv6: now.ipv6 && (free && now.ipv4 ? draft.ipv6 : true),
  };
}

export function familiesOf(protocol: Protocol): { ipv4: boolean; ipv6: boolean } {
  return {
    ipv4: protocol !== "ping6",
    ipv6: protocol !== "esp" && protocol !== "gre",
  };
}

/** What the server is told of the draft. */
export function fieldsOf(draft: Draft, share: Share | undefined, now: number): ShareFields {
  const withPorts = hasPorts(draft.protocol);
  return {
    name: draft.name.trim(),
    protocol: draft.protocol,
    port: withPorts ? number(draft.port) : null,
    port_end: withPorts ? number(draft.portEnd) : null,
    external_port: withPorts && draft.ipv4 ? number(draft.externalPort) : null,
    // As many as to the device: the server counts.
    external_port_end: null,
    ipv4: draft.ipv4,
    ipv6: draft.ipv6,
    sources: draft.restricted ? draft.sources.split(/[\s,;]+/).filter(Boolean) : [],
    enabled: draft.opening !== "off",
    open_until: openUntil(draft.opening, share, now),
  };
}

/** Of the fields those that differ from the share, so that other changes of it are kept. */
export function changedFields(fields: ShareFields, share: Share): Partial<ShareFields> {
  const changed = Object.entries(fields).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(share[name as keyof ShareFields]),
  );
  const result = Object.fromEntries(changed) as Partial<ShareFields>;
  // Whether the end is as it was depends on the beginning and on the ports to the device.
  const ports = ["port", "port_end", "external_port"] as const;
  if (!ports.some((port) => port in result)) delete result.external_port_end;
  return result;
}

function openUntil(opening: Opening, share: Share | undefined, now: number): string | null {
  if (opening === "keep") return share?.open_until ?? null;
  return typeof opening === "number" ? new Date(now + opening * 60_000).toISOString() : null;
}

function text(port: number | null): string {
  return port === null ? "" : String(port);
}

/** A number, nothing, or what else was typed: the server says what is wrong with it. */
function number(text: string): number | string | null {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) : trimmed || null;
}
