import type { Checked, Host, LogEntry, Saved, Share, ShareFields, ShareTarget } from "./contract";
import type { HomeAssistant } from "./home-assistant";
import { failure } from "./failure";

/** The commands that this page gives. They reject with a Failure. */
export class Server {
  constructor(private readonly hass: () => HomeAssistant) {}

  log = () => this.command<{ entries: LogEntry[] }>("log");

  hosts = () => this.command<{ hosts: Host[] }>("hosts");

  /** Say whether a share could be saved so, and which external port it would get. */
  checkShare = (what: Partial<ShareFields> & Partial<ShareTarget> & { share_id?: string }) =>
    this.command<Checked>("share/check", what);

  addShare = (share: ShareFields & ShareTarget & { confirm?: boolean }) =>
    this.command<Saved>("share/add", share);

  updateShare = (share: Partial<ShareFields> & { share_id: string; confirm?: boolean }) =>
    this.command<Saved>("share/update", share);

  removeShare = (share_id: string) => this.command("share/remove", { share_id });

  /** Add a device; with a share, both are added or nothing is. */
  addDevice = (device: {
    mac: string;
    name?: string;
    share?: ShareFields & { confirm?: boolean };
  }) => this.command<{ device_id: string }>("device/add", device);

  updateDevice = (device: { device_id: string; name?: string; independent?: boolean }) =>
    this.command("device/update", device);

  removeDevice = (device_id: string) => this.command("device/remove", { device_id });

  /** Switch a share as its switch entity does, so that every automation sees the same. */
  switchShare = (share: Share, on: boolean) =>
    share.entity_id
      ? this.service("switch", on ? "turn_on" : "turn_off", { entity_id: share.entity_id })
      : this.updateShare({ share_id: share.id, enabled: on });

  openTemporarily = (share_id: string, minutes: number) =>
    this.service("portshare", "open_temporarily", { share_id, duration: { minutes } });

  closeAll = () => this.service("portshare", "close_all");

  disableIndependent = () => this.service("portshare", "disable_independent");

  approve = (request_id: string, always: boolean) =>
    this.service("portshare", "approve_request", { request_id, always });

  deny = (request_id: string) => this.service("portshare", "deny_request", { request_id });

  private async command<T>(name: string, data: object = {}): Promise<T> {
    try {
      return await this.hass().callWS<T>({ type: `portshare/${name}`, ...data });
    } catch (refusal) {
      throw await failure(this.hass(), refusal);
    }
  }

  private async service(domain: string, name: string, data: object = {}): Promise<void> {
    try {
      await this.hass().callService(domain, name, { ...data }, undefined, false);
    } catch (refusal) {
      throw await failure(this.hass(), refusal);
    }
  }
}
