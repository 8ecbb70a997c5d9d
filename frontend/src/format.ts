import type { Lease, Protocol, Share } from "./server/contract";
import type { HomeAssistant } from "./server/home-assistant";

export const PROTOCOLS: Readonly<Record<Protocol, string>> = {
  tcp: "TCP",
  udp: "UDP",
  tcp_udp: "TCP + UDP",
  esp: "ESP",
  gre: "GRE",
  ping6: "Ping",
  exposed_host: "",
};

export function hasPorts(protocol: Protocol): boolean {
  return protocol === "tcp" || protocol === "udp" || protocol === "tcp_udp";
}

export function ports(first: number | null, last: number | null): string {
  if (first === null) return "";
  return last === null || last === first ? `${first}` : `${first}–${last}`;
}

/** The port that is called over IPv4. */
export function externalIpv4(share: Share): string {
  return share.ipv4 ? ports(share.external_port, share.external_port_end) : "";
}

/** The port that is called over IPv6, where nothing is translated. */
export function externalIpv6(share: Share): string {
  return share.ipv6 ? ports(share.port, share.port_end) : "";
}

export function isPinhole(lease: Lease): boolean {
  return lease.address !== null;
}

/** Numbers and times as the user's profile in Home Assistant says. */
export class Format {
  private readonly language: string;
  private readonly timeZone: string | undefined;
  private readonly hour12: boolean | undefined;

  constructor(hass: HomeAssistant) {
    this.language = hass.locale.language;
    this.timeZone = hass.locale.time_zone === "server" ? hass.config.time_zone : undefined;
    const format = hass.locale.time_format;
    this.hour12 = format === "12" ? true : format === "24" ? false : undefined;
  }

  number = (value: number): string => new Intl.NumberFormat(this.language).format(value);

  time = (iso: string): string => this.dateTime(iso, { timeStyle: "short" });

  timeWithSeconds = (iso: string): string => this.dateTime(iso, { timeStyle: "medium" });

  date = (iso: string): string =>
    this.dateTime(iso, { weekday: "long", day: "numeric", month: "long" });

  moment = (iso: string): string => this.dateTime(iso, { dateStyle: "medium", timeStyle: "short" });

  /** The time if it was today, or else the date, too. */
  recent(iso: string): string {
    return this.date(iso) === this.date(new Date().toISOString())
      ? this.time(iso)
      : this.moment(iso);
  }

  bytes(value: number): string {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(value, 1)) / 3));
    const format = { style: "unit", unit: units[step], maximumSignificantDigits: 3 } as const;
    return new Intl.NumberFormat(this.language, format as Intl.NumberFormatOptions).format(
      value / 1000 ** step,
    );
  }

  /** The two largest units of what is left, as "1 h 5 min"; seconds only in the last minute. */
  duration(ms: number): string {
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    const minutes = Math.ceil(seconds / 60);
    if (seconds < 60) return this.unit(seconds, "second");
    const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
    const parts = days
      ? [this.unit(days, "day"), hours && this.unit(hours, "hour")]
      : [hours && this.unit(hours, "hour"), minutes % 60 && this.unit(minutes % 60, "minute")];
    return parts.filter(Boolean).join(" ");
  }

  private unit(value: number, unit: string): string {
    const format = { style: "unit", unit, unitDisplay: "short" } as const;
    return new Intl.NumberFormat(this.language, format).format(value);
  }

  private dateTime(iso: string, options: Intl.DateTimeFormatOptions): string {
    const format: Intl.DateTimeFormatOptions = { ...options };
    if (this.timeZone) format.timeZone = this.timeZone;
    if (this.hour12 !== undefined) format.hour12 = this.hour12;
    return new Intl.DateTimeFormat(this.language, format).format(new Date(iso));
  }
}
