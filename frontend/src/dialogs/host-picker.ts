import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { element } from "../element";
import type { Page } from "../page";
import type { Host } from "../server/contract";
import type { Failure } from "../server/failure";
import { fields, theme } from "../styles";
import { describedBy, formStyles, isInvalid } from "./form";

const ADDRESS = /^([0-9a-f]{2}([:-][0-9a-f]{2}){5}|[0-9.]+|[0-9a-f:]*:[0-9a-f:]*)$/i;
const SHOWN = 100;

/** Chooses a device of the home network, or a MAC or IP address that is typed: event `pick`. */
@element("portshare-host-picker")
export class HostPicker extends LitElement {
  static override styles = [
    theme,
    fields,
    formStyles,
    css`
      .hosts {
        display: grid;
        max-height: 224px;
        overflow-y: auto;
        border: 1px solid var(--line);
        border-radius: var(--small-radius);
      }
      .hosts > p {
        padding: 12px;
      }
      label.host {
        display: grid;
        grid-template-columns: auto 1fr auto;
        align-items: center;
        gap: 0 12px;
        min-height: 44px;
        padding: 6px 12px;
        cursor: pointer;
      }
      label.host:hover {
        background: var(--hover);
      }
      label.host:has(:checked) {
        background: color-mix(in srgb, var(--accent) 16%, transparent);
      }
      .host > span:nth-child(2) {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      b {
        flex-basis: 100%;
        font-weight: 500;
      }
      code {
        font-family: var(--mono);
        font-size: 12.5px;
      }
      .online {
        color: var(--good-text);
      }
    `,
  ];

  @property({ attribute: false }) page!: Page;
  /** The MAC address that is chosen, or what was typed. */
  @property() chosen = "";
  @property() error: string | undefined;

  @state() private hosts: readonly Host[] | undefined;
  @state() private search = "";
  @state() private failed = "";

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>("input")?.focus();
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    try {
      this.hosts = (await this.page.server.hosts()).hosts.filter((host) => !host.device);
    } catch (failure) {
      this.hosts = [];
      this.failed = (failure as Failure).message;
    }
  }

  override render() {
    const { texts } = this.page;
    const error = this.error || this.failed;
    return html`
      <div class="field">
        <label for="device">${texts.get("field_device")}</label>
        <input
          id="device"
          type="search"
          autocomplete="off"
          spellcheck="false"
          placeholder=${texts.get("field_device_search")}
          aria-invalid=${isInvalid(error)}
          aria-describedby=${describedBy("device")}
          .value=${this.search}
          @input=${this.typed}
        />
        <div class="hosts" role="radiogroup" aria-label=${texts.get("field_device")}>
          ${this.list()}
        </div>
        <div class="hint" id="device-hint">${texts.get("field_device_hint")}</div>
        <div class="error" id="device-error" aria-live="polite">${error || nothing}</div>
      </div>
    `;
  }

  private list() {
    const { texts } = this.page;
    if (!this.hosts) return html`<p class="muted">${texts.get("device_loading")}</p>`;
    const words = this.search.trim().toLowerCase();
    const found = this.hosts.filter((host) => matches(host, words)).slice(0, SHOWN);
    const typed = this.search.trim();
    return html`
      ${repeat(
        found,
        (host) => host.mac,
        (host) => this.host(host),
      )}
      ${!found.length && ADDRESS.test(typed)
        ? this.choice(typed, html`<b>${texts.get("device_typed", { text: typed })}</b>`)
        : nothing}
      ${!found.length && !ADDRESS.test(typed)
        ? html`<p class="muted">${texts.get("device_none")}</p>`
        : nothing}
    `;
  }

  private host(host: Host) {
    const { texts } = this.page;
    return this.choice(
      host.mac,
      html`
        <b>${host.name || host.mac}</b>
        <code class="muted">${host.ipv4 ?? host.ipv6[0] ?? texts.get("no_address")}</code>
        <code class="muted">${host.mac}</code>
      `,
      html`<span class=${host.online ? "online" : "muted"}>
        ${texts.get(host.online ? "online" : "offline")}
      </span>`,
      host.name,
    );
  }

  private choice(mac: string, what: unknown, presence: unknown = nothing, name = "") {
    return html`
      <label class="host">
        <input
          type="radio"
          name="host"
          value=${mac}
          .checked=${mac === this.chosen}
          @change=${() => this.pick(mac, name)}
        />
        <span>${what}</span>${presence}
      </label>
    `;
  }

  private typed = (event: Event): void => {
    this.search = (event.target as HTMLInputElement).value;
  };

  private pick(mac: string, name: string): void {
    this.dispatchEvent(new CustomEvent("pick", { detail: { mac, name } }));
  }
}

function matches(host: Host, text: string): boolean {
  return [host.name, host.mac, host.ipv4 ?? "", ...host.ipv6].some((one) =>
    one.toLowerCase().includes(text),
  );
}
