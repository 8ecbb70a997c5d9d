import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { element } from "../element";
import type { Page } from "../page";
import type { LogEntry, State } from "../server/contract";
import type { Failure } from "../server/failure";
import { logKey } from "../server/state";
import { led, type Light } from "../status";
import { buttons, fields, leds, theme } from "../styles";

type Answer = "once" | "always" | "no";

const LIGHTS: Readonly<Record<string, Light>> = {
  share_enabled: "active",
  mapping_added: "active",
  internet_restored: "active",
  mapping_requested: "warning",
  internet_lost: "problem",
};

/** What has happened, the newest first. */
@element("portshare-log-view")
export class LogView extends LitElement {
  static override styles = [
    theme,
    buttons,
    fields,
    leds,
    css`
      :host {
        display: grid;
        gap: 16px;
      }
      label {
        display: flex;
        align-items: center;
        gap: 8px;
      }
      select {
        width: auto;
        min-width: 0;
        max-width: 320px;
      }
      h2 {
        padding: 16px 16px 8px;
        font-size: 14px;
        font-weight: 500;
      }
      li {
        display: grid;
        grid-template-columns: 92px auto minmax(0, 1fr) auto;
        gap: 4px 12px;
        align-items: center;
        min-height: 44px;
        padding: 8px 16px;
        border-top: 1px solid var(--line);
      }
      time {
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
      .what {
        overflow-wrap: anywhere;
      }
      .answers {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
      .card > p {
        padding: 32px 16px;
        text-align: center;
      }
      @media (max-width: 600px) {
        li {
          grid-template-columns: auto minmax(0, 1fr);
        }
        li time {
          grid-column: 2;
          grid-row: 1;
          font-size: 12px;
        }
        .what,
        .answers {
          grid-column: 2;
        }
      }
    `,
  ];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) state!: State;
  /** Undefined until the server has answered. */
  @property({ attribute: false }) log: readonly LogEntry[] | undefined;

  @state() private device = "";
  @state() private answers: ReadonlyMap<string, Answer> = new Map();
  @state() private refused: ReadonlyMap<string, string> = new Map();

  override render() {
    return html`${this.filter()}
      <section class="card" aria-label=${this.page.texts.get("log")}>${this.list()}</section>`;
  }

  private filter() {
    const { texts } = this.page;
    const names = new Map(Object.values(this.state.devices).map(({ id, name }) => [id, name]));
    for (const { device, device_name } of this.log ?? [])
      if (device && !names.has(device)) names.set(device, device_name);
    const sorted = [...names].sort(([, a], [, b]) => a.localeCompare(b, texts.language));
    return html`
      <label>
        <span class="muted">${texts.get("log_of")}</span>
        <select
          @change=${(event: Event) => (this.device = (event.target as HTMLSelectElement).value)}
        >
          <option value="">${texts.get("log_all")}</option>
          ${sorted.map(([id, name]) => html`<option value=${id}>${name}</option>`)}
        </select>
      </label>
    `;
  }

  private list() {
    const { texts, format } = this.page;
    if (!this.log) return html`<p class="muted">${texts.get("log_loading")}</p>`;
    const entries = this.log
      .filter((entry) => !this.device || entry.device === this.device)
      .toReversed();
    if (!entries.length)
      return html`<p class="muted">
        ${texts.get(this.device ? "log_empty_device" : "log_empty")}
      </p>`;
    const days = new Map<string, LogEntry[]>();
    for (const entry of entries) {
      const day = format.date(entry.at);
      days.set(day, [...(days.get(day) ?? []), entry]);
    }
    return [...days].map(
      ([day, entries]) => html`
        <h2>${day}</h2>
        <ol>
          ${repeat(entries, logKey, (entry) => this.entry(entry))}
        </ol>
      `,
    );
  }

  private entry(entry: LogEntry) {
    const { texts, format } = this.page;
    return html`
      <li>
        <time datetime=${entry.at}>${format.timeWithSeconds(entry.at)}</time>
        ${led(LIGHTS[entry.type] ?? "off")}
        <span class="what">
          ${entry.device_name ? html`<b>${entry.device_name}</b>` : nothing} ${entry.message}
          ${entry.by
            ? html`<span class="muted">${texts.get("log_by", { user: entry.by })}</span>`
            : nothing}
        </span>
        ${entry.request_id ? this.request(entry.request_id) : nothing}
      </li>
    `;
  }

  private request(id: string) {
    const { texts } = this.page;
    const answer = this.answers.get(id);
    if (answer)
      return html`<span class="answers muted" role="status">
        ${texts.get(
          answer === "no"
            ? "request_denied"
            : answer === "once"
              ? "request_allowed_once"
              : "request_allowed_always",
        )}
      </span>`;
    const refused = this.refused.get(id);
    if (refused) return html`<span class="answers problem" role="alert">${refused}</span>`;
    return html`
      <span class="answers" role="group" aria-label=${texts.get("request_question")}>
        <span class="muted">${texts.get("request_question")}</span>
        ${(["once", "always", "no"] as const).map(
          (answer) => html`
            <button class="button small" @click=${() => this.answer(id, answer)}>
              ${texts.get(`request_${answer}`)}
            </button>
          `,
        )}
      </span>
    `;
  }

  private async answer(id: string, answer: Answer): Promise<void> {
    const { server } = this.page;
    try {
      await (answer === "no" ? server.deny(id) : server.approve(id, answer === "always"));
      this.answers = new Map(this.answers).set(id, answer);
    } catch (failure) {
      this.refused = new Map(this.refused).set(id, (failure as Failure).message);
    }
  }
}
