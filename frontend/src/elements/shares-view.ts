import { LitElement, css, html } from "lit";
import { property, state } from "lit/decorators.js";
import { element } from "../element";
import { icon } from "../icons";
import type { DeviceOrder, ShareOrder, Wish } from "../list";
import { showDialog, type Page } from "../page";
import type { State } from "../server/contract";
import { buttons, fields, theme } from "../styles";
import "./overview";
import "./shares-table";

const ORDERS: readonly DeviceOrder[] = ["name", "address", "open", "problems"];

/** The first view: the overview, the filter, and the table. */
@element("portshare-shares-view")
export class SharesView extends LitElement {
  static override styles = [
    theme,
    buttons,
    fields,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 16px;
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 16px;
      }
      .filter {
        position: relative;
        flex: 1 1 240px;
        max-width: 420px;
      }
      .filter .icon {
        position: absolute;
        inset: 10px auto auto 10px;
        color: var(--muted);
        pointer-events: none;
      }
      .filter input {
        padding-inline-start: 38px !important;
      }
      .sort {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-inline-start: auto;
        white-space: nowrap;
      }
      .sort select {
        width: auto;
      }
      .empty {
        display: grid;
        justify-items: center;
        gap: 12px;
        padding: 48px 24px;
        text-align: center;
      }
      .empty p {
        max-width: 46ch;
      }
      .empty h2 {
        font-size: 20px;
        font-weight: 500;
        line-height: 28px;
      }
      .empty > .icon {
        width: 48px;
        height: 48px;
        color: var(--good-text);
      }
    `,
  ];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) state!: State;

  @state() private wish: Wish = {
    filter: "",
    devices: "name",
    shares: { column: "application", descending: false },
  };

  override render() {
    const { page, state } = this;
    const isEmpty = !Object.keys(state.devices).length && !Object.keys(state.leases).length;
    return html`
      <portshare-overview .page=${page} .gateway=${state.gateway}></portshare-overview>
      ${isEmpty ? this.empty() : this.table()}
    `;
  }

  private empty() {
    const { texts } = this.page;
    return html`
      <section class="card empty">
        ${icon("lock")}
        <h2>${texts.get("empty_title")}</h2>
        <p class="muted">${texts.get("empty_body")}</p>
        <button class="button primary" @click=${() => showDialog(this, { kind: "device" })}>
          ${icon("plus")}${texts.get("add_device")}
        </button>
      </section>
    `;
  }

  private table() {
    const { texts } = this.page;
    const { wish } = this;
    return html`
      <div class="tools" role="search">
        <div class="filter">
          ${icon("search")}
          <input
            type="search"
            aria-label=${texts.get("filter")}
            placeholder=${texts.get("filter_placeholder")}
            .value=${wish.filter}
            @input=${(event: Event) => this.want({ filter: value(event) })}
          />
        </div>
        <label class="sort">
          <span class="muted">${texts.get("sort_devices")}</span>
          <select @change=${(event: Event) => this.want({ devices: value(event) as DeviceOrder })}>
            ${ORDERS.map(
              (order) => html`
                <option value=${order} .selected=${order === wish.devices}>
                  ${texts.get(`sort_${order}`)}
                </option>
              `,
            )}
          </select>
        </label>
      </div>
      <portshare-shares-table
        .page=${this.page}
        .state=${this.state}
        .wish=${wish}
        @sort-shares=${(event: CustomEvent<ShareOrder>) => this.want({ shares: event.detail })}
        @clear-filter=${() => this.want({ filter: "" })}
      ></portshare-shares-table>
    `;
  }

  private want(wish: Partial<Wish>): void {
    this.wish = { ...this.wish, ...wish };
  }
}

function value(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}
