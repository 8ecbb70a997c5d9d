import type { Group } from "../list";
import type { Lease, Share, State } from "../server/contract";

/** Where everything of the picture stands. Pure geometry: pixels, no elements. */
export interface MapLayout {
  readonly width: number;
  readonly height: number;
  readonly internet: Box;
  readonly gateway: Box;
  readonly devices: readonly DeviceBox[];
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface DeviceBox extends Box {
  readonly group: Group;
  readonly lines: readonly Line[];
  /** How many shares and leases have no line of their own. */
  readonly rest: number;
}

export interface Line {
  readonly one: Share | Lease;
  /** From the internet through the gateway to the device, as an SVG path. */
  readonly path: string;
  /** Where it arrives. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

const ROW = 22;
const HEAD = 30;
const GAP = 16;
const LINES = 8;
const NARROW = 640;

export function mapLayout(groups: readonly Group[], traffic: State["traffic"], width: number) {
  return width < NARROW ? narrow(groups, traffic, width) : wide(groups, traffic, width);
}

/** The internet on the left, the gateway in the middle, the devices on the right. */
function wide(groups: readonly Group[], traffic: State["traffic"], width: number): MapLayout {
  const heights = groups.map(heightOf);
  const height = Math.max(220, sum(heights) + GAP * (groups.length - 1)) + 2 * GAP;
  const middle = Math.min(height / 2, 260);
  const boxWidth = Math.min(420, width * 0.42);
  const ends = spread(groups, middle, 120);
  const node = Math.max(68, ends.room + 28);
  const internet = { x: 12, y: middle - node / 2, width: 104, height: node };
  const gateway = { ...internet, x: width * 0.3 - 20, width: 110 };
  const x = width - boxWidth - 12;
  let y = (height - sum(heights) - GAP * (groups.length - 1)) / 2;
  const devices = groups.map((group, index) => {
    const box = { x, y, width: boxWidth, height: heights[index]! };
    y += heights[index]! + GAP;
    return withLines(box, group, traffic, (toX, toY, line) => {
      const fromY = ends.at(index, line);
      const [start, out] = [internet.x + internet.width, gateway.x + gateway.width];
      const bend = (toX - out) / 2;
      return (
        `M${start} ${fromY}H${out}` + `C${out + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}`
      );
    });
  });
  return { width, height, internet, gateway, devices };
}

/** The internet above, the gateway below it, and the devices under each other. */
function narrow(groups: readonly Group[], traffic: State["traffic"], width: number): MapLayout {
  const internet = { x: 12, y: 12, width: 104, height: 48 };
  const gateway = { x: 12, y: 100, width: 104, height: 48 };
  const ends = spread(groups, internet.x + internet.width / 2, 72);
  const x = 132;
  let y = gateway.y + gateway.height + 28;
  const devices = groups.map((group, index) => {
    const box = { x, y, width: width - x - 8, height: heightOf(group) };
    y += box.height + GAP;
    return withLines(box, group, traffic, (toX, toY, line) => {
      const fromX = ends.at(index, line);
      return `M${fromX} ${internet.y + internet.height}V${toY - 12}Q${fromX} ${toY} ${Math.min(fromX + 12, toX)} ${toY}H${toX}`;
    });
  });
  return { width, height: y, internet, gateway, devices };
}

function withLines(
  box: Box,
  group: Group,
  traffic: State["traffic"],
  path: (toX: number, toY: number, line: number) => string,
): DeviceBox {
  const lines = shown(group).map((one, index) => {
    const [x, y] = [box.x, box.y + HEAD + ROW * index + ROW / 2];
    return { one, x, y, path: path(x, y, index), width: thickness(traffic[one.id]) };
  });
  return { ...box, group, lines, rest: count(group) - lines.length };
}

/** Where in the gateway each line passes: all in order, and as far apart as there is room. */
function spread(groups: readonly Group[], middle: number, room: number) {
  const before: number[] = [];
  let total = 0;
  for (const group of groups) {
    before.push(total);
    total += shown(group).length;
  }
  const step = Math.min(9, room / Math.max(1, total - 1));
  const at = (group: number, line: number) =>
    Math.round((middle + (before[group]! + line - (total - 1) / 2) * step) * 10) / 10;
  return { at, room: step * (total - 1) };
}

function shown(group: Group): (Share | Lease)[] {
  return [...group.shares, ...group.leases].slice(0, LINES);
}

function count(group: Group): number {
  return group.shares.length + group.leases.length;
}

function heightOf(group: Group): number {
  const rows = shown(group).length + (count(group) > LINES ? 1 : 0);
  return HEAD + ROW * rows + 8;
}

/** From 1.5 pixels on 0.6 more for every ten times the data, between 1 kB and 1 TB. */
function thickness(traffic: State["traffic"][string] | undefined): number {
  const bytes = traffic ? traffic.bytes_in + traffic.bytes_out : 0;
  return 1.5 + 0.6 * Math.min(9, Math.max(0, Math.log10(bytes / 1000 || 1)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
