import { LitElement, css, html, nothing } from "lit";
import { property } from "lit/decorators.js";
import { element } from "../element";
import { icon } from "../icons";
import { showDialog, type Page, type Question } from "../page";
import type { Gateway } from "../server/contract";
import { led } from "../status";
import { buttons, leds, theme } from "../styles";
import { callButtons } from "./share-row";
import { copyStyles } from "./copy.styles";

/** What is true of the whole gateway, and what can be done to all of it. */
@element("portshare-overview")
export class Overview extends LitElement {
  static override styles = [
    theme,
    buttons,
    leds,
    copyStyles,
    css`
      section {
        display: flex;
        flex-wrap: wrap;
        gap: 16px 40px;
        align-items: center;
        padding: 16px;
      }
      .open {
        display: flex;
        align-items: baseline;
        gap: 8px;
      }
      .open strong {
        font-size: 36px;
        font-weight: 400;
        line-height: 40px;
        font-variant-numeric: tabular-nums;
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 12px 32px;
        min-width: 0;
      }
      dl > div {
        min-width: 0;
      }
      dt {
        color: var(--muted);
        font-size: 12px;
        line-height: 16px;
      }
      dd {
        display: flex;
        align-items: center;
        gap: 10px;
        min-height: 24px;
      }
      .copy,
      .copy code {
        max-width: none;
        white-space: normal;
        overflow-wrap: anywhere;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        flex: 1 1 100%;
        padding-top: 12px;
        border-top: 1px solid var(--line);
      }
      .unavailable {
        flex: 1 1 100%;
        padding: 10px 16px;
        border-radius: var(--small-radius);
        background: color-mix(in srgb, var(--warn) 20%, var(--surface));
      }
      .push {
        margin-inline-start: auto;
      }
      @media (max-width: 600px) {
        .button {
          flex: 1 1 auto;
        }
      }
    `,
  ];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) gateway!: Gateway;

  override render() {
    const { gateway } = this;
    const { texts, format } = this.page;
    return html`
      <section class="card" aria-label=${texts.get("overview")}>
        <p class="open">
          <strong>${format.number(gateway.open_ports)}</strong>
          <span class="muted">${texts.count("open_ports", gateway.open_ports)}</span>
        </p>
        <dl>
          <div>
            <dt>${texts.get("internet")}</dt>
            <dd>${led(gateway.internet.length ? "active" : "warning")} ${this.internet()}</dd>
          </div>
          ${this.address(texts.get("address_ipv4"), gateway.external_ipv4)}
          ${this.address(texts.get("address_ipv6"), gateway.external_ipv6)}
          ${this.address(texts.get("dns_name"), gateway.dns_name)}
        </dl>
        ${gateway.available
          ? nothing
          : html`<p class="unavailable" role="alert">${texts.get("gateway_unavailable")}</p>`}
        ${this.actions()}
      </section>
    `;
  }

  private internet(): string {
    const { internet } = this.gateway;
    const { texts } = this.page;
    if (internet.length > 1) return texts.get("internet_both");
    return texts.get(internet[0] ? `internet_${internet[0]}` : "internet_none");
  }

  private address(label: string, address: string | null) {
    if (!address) return nothing;
    return html`
      <div>
        <dt>${label}</dt>
        <dd>${callButtons(this.page, [address])}</dd>
      </div>
    `;
  }

  private actions() {
    const { texts } = this.page;
    const { unused_permissions: unused } = this.gateway;
    return html`
      <div class="buttons">
        <button class="button primary" @click=${() => showDialog(this, { kind: "device" })}>
          ${icon("plus")}${texts.get("add_device")}
        </button>
        <button
          class="button push"
          ?disabled=${!unused}
          title=${unused ? "" : texts.get("disable_independent_none")}
          @click=${this.askToDisable}
        >
          ${texts.get("disable_independent")}
        </button>
        <button class="button" @click=${this.askToClose}>
          ${icon("lock")}${texts.get("close_all")}
        </button>
      </div>
    `;
  }

  private askToClose = (): void => {
    const { texts, server } = this.page;
    this.ask({
      title: texts.get("close_all_title"),
      body: texts.get("close_all_body"),
      yes: texts.get("close_all"),
      act: server.closeAll,
      done: texts.get("close_all_done"),
    });
  };

  private askToDisable = (): void => {
    const { texts, server } = this.page;
    this.ask({
      title: texts.get("disable_independent_title"),
      body: texts.count("disable_independent_body", this.gateway.unused_permissions),
      yes: texts.get("disable_independent"),
      act: server.disableIndependent,
      done: texts.get("disable_independent_done"),
    });
  };

  private ask(question: Question): void {
    showDialog(this, { kind: "question", question });
  }
}
