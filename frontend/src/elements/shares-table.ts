import { LitElement, html, nothing, type PropertyValues } from "lit";
import { property, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import type { Device, Share, State } from "../server/contract";
import type { Failure } from "../server/failure";
import { element } from "../element";
import { icon } from "../icons";
import { grouped, type Column, type Group, type ShareOrder, type Wish } from "../list";
import type { Page } from "../page";
import { buttons, leds, theme } from "../styles";
import { copyStyles } from "./copy.styles";
import { deviceHead } from "./device-head";
import { leaseRow } from "./lease-row";
import { shareRow } from "./share-row";
import { tableStyles } from "./shares-table.styles";
import "./time-left";

/** Groups that are drawn at once; the others follow, some in each frame. */
const FIRST_GROUPS = 20;
const GROUPS_PER_FRAME = 20;
/** How long a switch waits for the news that it has caused. */
const NEWS_MS = 1500;

const COLUMNS = ["application", "service", "ipv4", "ipv6", "call", "on", "actions"] as const;
const SORTABLE: readonly string[] = ["application", "service", "ipv4"] satisfies Column[];

interface SwitchWish {
  readonly on: boolean;
}

/** The shares of all devices. A row is drawn again only if something in it has changed. */
@element("portshare-shares-table")
export class SharesTable extends LitElement {
  static override styles = [theme, buttons, leds, copyStyles, tableStyles];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) state!: State;
  @property({ attribute: false }) wish!: Wish;

  @state() private groups: readonly Group[] = [];
  @state() private drawn = FIRST_GROUPS;
  @state() private unfolded: ReadonlySet<string> = new Set();
  /** Switches on their way, by the id of the share or device. */
  @state() private wishes: ReadonlyMap<string, SwitchWish> = new Map();
  @state() private refused: ReadonlyMap<string, string> = new Map();

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("state") || changed.has("wish") || changed.has("page")) {
      const names = new Intl.Collator(this.page.texts.language, { numeric: true });
      this.groups = grouped(this.state, this.wish, names);
      // What is in the document stays there; more than that comes frame by frame.
      this.drawn = Math.max(FIRST_GROUPS, Math.min(this.drawn, this.groups.length));
      this.forgetArrived();
    }
  }

  override updated(): void {
    if (this.drawn < this.groups.length)
      requestAnimationFrame(() => (this.drawn += GROUPS_PER_FRAME));
  }

  override render() {
    const { texts } = this.page;
    const found = this.wish.filter ? texts.count("found", this.groups.length) : "";
    return html`
      <p class="for-screen-readers" role="status">${found}</p>
      <table role="table" aria-label=${texts.get("shares")}>
        <thead role="rowgroup">
          <tr role="row">
            ${COLUMNS.map((column) => this.columnHeader(column))}
          </tr>
        </thead>
        ${repeat(
          this.groups.slice(0, this.drawn),
          (group) => group.id,
          (group) => this.group(group),
        )}
      </table>
      ${this.groups.length ? nothing : this.nothingFound()}
    `;
  }

  private nothingFound() {
    const { texts } = this.page;
    return html`
      <p class="nothing">
        ${texts.get("nothing_found", { filter: this.wish.filter })}
        <button
          class="button quiet"
          @click=${() => this.dispatchEvent(new CustomEvent("clear-filter"))}
        >
          ${texts.get("clear_filter")}
        </button>
      </p>
    `;
  }

  private columnHeader(column: (typeof COLUMNS)[number]) {
    const { texts } = this.page;
    const text = texts.get(`column_${column}`);
    const { column: sorted, descending } = this.wish.shares;
    if (!SORTABLE.includes(column))
      return html`<th role="columnheader" scope="col" class=${column}><span>${text}</span></th>`;
    const direction = column === sorted ? (descending ? "descending" : "ascending") : "none";
    return html`
      <th role="columnheader" scope="col" class=${column} aria-sort=${direction}>
        <button @click=${() => this.sort(column as Column)}>
          <span>${text}</span>${column === sorted ? icon("up") : nothing}
        </button>
      </th>
    `;
  }

  private group(group: Group) {
    const { id, device, all, shares, leases } = group;
    const isUnfolded = this.unfolded.has(id) || (!shares.length && leases.length > 0 && !device);
    const height = 57 + 45 * Math.max(1, shares.length);
    return html`
      <tbody role="rowgroup" style="contain-intrinsic-block-size: auto ${height}px">
        ${guard(
          [
            this.page,
            device,
            isUnfolded,
            this.wishes.get(id),
            this.refused.get(id),
            ...all,
            ...leases,
          ],
          () =>
            deviceHead({
              page: this.page,
              group,
              isUnfolded,
              wanted: this.wishes.get(id)?.on,
              refused: this.refused.get(id),
              permit: (device, permitted) => this.permit(device, permitted),
              unfold: () => this.unfold(id),
            }),
        )}
        ${repeat(
          shares,
          (share) => share.id,
          (share) => this.share(share, device!),
        )}
        ${shares.length ? nothing : this.noShares(all.length, leases.length)}
        ${isUnfolded
          ? repeat(
              leases,
              (lease) => lease.id,
              (lease) => guard([this.page, lease], () => leaseRow(this.page, lease)),
            )
          : nothing}
      </tbody>
    `;
  }

  private share(share: Share, device: Device) {
    const traffic = this.state.traffic[share.id];
    const wanted = this.wishes.get(share.id)?.on;
    const refused = this.refused.get(share.id);
    return guard([this.page, share, device, traffic, wanted, refused], () =>
      shareRow({
        page: this.page,
        share,
        device,
        traffic,
        wanted,
        refused,
        toggle: (share, on) => this.toggle(share, on),
      }),
    );
  }

  private noShares(all: number, leases: number) {
    if (leases && !all) return nothing;
    return html`
      <tr role="row" class="none">
        <td role="cell" aria-colspan="7" colspan="7" class="muted">
          ${this.page.texts.get(all ? "filtered_out" : "no_shares")}
        </td>
      </tr>
    `;
  }

  private sort(column: Column): void {
    const { column: sorted, descending } = this.wish.shares;
    const detail: ShareOrder = { column, descending: column === sorted && !descending };
    this.dispatchEvent(new CustomEvent("sort-shares", { detail }));
  }

  private unfold(id: string): void {
    const unfolded = new Set(this.unfolded);
    if (!unfolded.delete(id)) unfolded.add(id);
    this.unfolded = unfolded;
  }

  private toggle(share: Share, on: boolean): void {
    void this.change(share.id, on, () => this.page.server.switchShare(share, on));
  }

  private permit(device: Device, independent: boolean): void {
    void this.change(device.id, independent, () =>
      this.page.server.updateDevice({ device_id: device.id, independent }),
    );
  }

  /** Show what is wanted until the server has said what is true, or why not. */
  private async change(id: string, on: boolean, act: () => Promise<unknown>): Promise<void> {
    if (this.wishes.has(id)) return;
    const wish = { on };
    this.wishes = new Map(this.wishes).set(id, wish);
    this.refused = without(this.refused, id);
    try {
      await act();
      setTimeout(() => this.forget(id, wish), NEWS_MS);
    } catch (failure) {
      this.forget(id, wish);
      this.refused = new Map(this.refused).set(id, (failure as Failure).message);
    }
  }

  private forget(id: string, wish: SwitchWish): void {
    if (this.wishes.get(id) === wish) this.wishes = without(this.wishes, id);
  }

  private forgetArrived(): void {
    for (const [id, wish] of this.wishes) {
      const is = this.state.shares[id]?.enabled ?? this.state.devices[id]?.independent;
      if (is === undefined || is === wish.on) this.forget(id, wish);
    }
  }
}

function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
