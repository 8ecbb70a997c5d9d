import type { Device, Lease, Share, State } from "./server/contract";
import { PROTOCOLS, externalIpv4, ports } from "./format";

/** A device with what of it is shown. */
export interface Group {
  /** Undefined for leases of a device that has not been added. */
  readonly device: Device | undefined;
  readonly id: string;
  readonly shares: readonly Share[];
  /** All shares, whether they match the filter or not. */
  readonly all: readonly Share[];
  readonly leases: readonly Lease[];
}

export type DeviceOrder = "name" | "address" | "open" | "problems";
export type Column = "application" | "service" | "ipv4";
export interface ShareOrder {
  readonly column: Column;
  readonly descending: boolean;
}

export interface Wish {
  readonly filter: string;
  readonly devices: DeviceOrder;
  readonly shares: ShareOrder;
}

export function isProblem(share: Share): boolean {
  return share.enabled && (share.status !== "active" || share.nobody_listens === true);
}

/** How many ports of the group are open: shares and leases. */
export function open(group: Group): number {
  const active = (one: Share | Lease) => one.status === "active";
  return group.shares.filter(active).length + group.leases.filter(active).length;
}

/** The devices with their shares, filtered and sorted. */
export function grouped(state: State, wish: Wish, names: Intl.Collator): Group[] {
  const words = wish.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shares = groupedBy(Object.values(state.shares), (share) => share.device);
  const leases = groupedBy(Object.values(state.leases), (lease) => lease.device ?? lease.mac);
  const groups: Group[] = [];
  const add = (id: string, device: Device | undefined) => {
    const all = (shares.get(id) ?? []).sort(byColumn(wish.shares, names));
    const ofDevice = (leases.get(id) ?? []).sort((a, b) => a.external_port - b.external_port);
    const group = matching({ id, device, all, shares: all, leases: ofDevice }, words);
    if (group) groups.push(group);
  };
  for (const device of Object.values(state.devices)) add(device.id, device);
  for (const id of leases.keys()) if (!state.devices[id]) add(id, undefined);
  return groups.sort(byOrder(wish.devices, names));
}

function groupedBy<T>(all: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(key(one));
    if (group) group.push(one);
    else groups.set(key(one), [one]);
  }
  return groups;
}

/** The group with what matches every word, or nothing. A device that matches brings all. */
function matching(group: Group, words: readonly string[]): Group | undefined {
  if (!words.length) return group;
  const { device } = group;
  const ofDevice = device ? [device.name, device.mac, device.ipv4, ...device.ipv6] : [group.id];
  const rest = words.filter((word) => !found(ofDevice, word));
  if (!rest.length) return group;
  const shares = group.shares.filter((share) => rest.every((word) => found(ofShare(share), word)));
  const leases = group.leases.filter((lease) => rest.every((word) => found(ofLease(lease), word)));
  return shares.length || leases.length ? { ...group, shares, leases } : undefined;
}

function found(texts: readonly (string | null | undefined)[], word: string): boolean {
  return texts.some((text) => text?.toLowerCase().includes(word));
}

function ofShare(share: Share): string[] {
  const service = ports(share.port, share.port_end);
  return [share.name, PROTOCOLS[share.protocol], service, externalIpv4(share), ...share.calls];
}

function ofLease(lease: Lease): string[] {
  return [lease.description, PROTOCOLS[lease.protocol], `${lease.external_port}`, ...lease.calls];
}

function byColumn({ column, descending }: ShareOrder, names: Intl.Collator) {
  const sign = descending ? -1 : 1;
  return (a: Share, b: Share): number =>
    sign * compared(a, b, column, names) || names.compare(a.name, b.name) || (a.id < b.id ? -1 : 1);
}

function compared(a: Share, b: Share, column: Column, names: Intl.Collator): number {
  switch (column) {
    case "application":
      return names.compare(a.name, b.name);
    case "service":
      return (a.port ?? 0) - (b.port ?? 0);
    case "ipv4":
      return (a.external_port ?? 0) - (b.external_port ?? 0);
  }
}

function byOrder(order: DeviceOrder, names: Intl.Collator) {
  const name = (group: Group) => group.device?.name ?? group.id;
  const problems = (group: Group) => group.shares.filter(isProblem).length;
  return (a: Group, b: Group): number => {
    let difference = 0;
    if (order === "open") difference = open(b) - open(a);
    if (order === "problems") difference = problems(b) - problems(a);
    if (order === "address") difference = addressNumber(a) - addressNumber(b);
    return difference || names.compare(name(a), name(b)) || (a.id < b.id ? -1 : 1);
  };
}

/** An IPv4 address as a number; devices without one come last. */
function addressNumber({ device }: Group): number {
  if (!device?.ipv4) return Number.MAX_VALUE;
  return device.ipv4.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}
