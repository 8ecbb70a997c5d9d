import { LitElement, html, nothing } from "lit";
import { property } from "lit/decorators.js";
import { element } from "../element";
import { PROTOCOLS, hasPorts, ports } from "../format";
import { icon } from "../icons";
import type { Page } from "../page";
import type { Application, Checked, Protocol, Share } from "../server/contract";
import { buttons, fields, theme } from "../styles";
import {
  DURATIONS,
  familiesOf,
  withApplication,
  withProtocol,
  type Draft,
  type DraftField,
  type Opening,
} from "./draft";
import { describedBy, field, fieldGroup, formStyles, isInvalid, type Errors } from "./form";

/** The fields of a share. It owns nothing: each change is an event `draft` with the new draft. */
@element("portshare-share-form")
export class ShareForm extends LitElement {
  static override styles = [theme, buttons, fields, formStyles];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) applications: readonly Application[] = [];
  /** The share that is edited, if it is not a new one. */
  @property({ attribute: false }) share: Share | undefined;
  @property({ attribute: false }) draft!: Draft;
  @property({ attribute: false }) errors: Errors<DraftField> = {};
  /** What the server says to the draft as it stands. */
  @property({ attribute: false }) checked: Checked | undefined;
  /** An external port that is free instead of the one in the draft. */
  @property() proposal: string | undefined;
  /** Whether the server wants a confirmation, and has it. */
  @property() warning = "";
  @property({ type: Boolean }) confirmed = false;

  /** Focus the first field that is wrong, or else the first one. */
  override focus(): void {
    const all = this.renderRoot.querySelectorAll<HTMLElement>("input, select, textarea");
    const wrong = [...all].find((one) => one.getAttribute("aria-invalid") === "true");
    (wrong ?? all[0])?.focus();
  }

  override render() {
    const withPorts = hasPorts(this.draft.protocol);
    return html`
      <form @submit=${this.submit}>
        ${this.share ? nothing : this.application()}
        <div class="pair">${this.name()} ${this.protocol()}</div>
        ${withPorts || this.errors.port ? this.port() : nothing} ${this.families()}
        ${withPorts && this.draft.ipv4 ? this.externalPort() : nothing} ${this.callers()}
        ${this.opening()} ${this.warning ? this.confirmation() : nothing}
        <button hidden></button>
      </form>
    `;
  }

  private application() {
    const { texts } = this.page;
    const chosen = this.applications.findIndex((one) => one.name === this.draft.name);
    return field({
      id: "application",
      label: texts.get("field_application"),
      hint: texts.get("field_application_hint"),
      control: html`
        <select
          id="application"
          aria-describedby=${describedBy("application")}
          @change=${this.choose}
        >
          <option value="-1" .selected=${chosen < 0}>${texts.get("application_other")}</option>
          ${this.applications.map(
            (application, index) => html`
              <option value=${index} .selected=${index === chosen}>
                ${application.name}${this.service(application)}
              </option>
            `,
          )}
        </select>
      `,
    });
  }

  private service({ protocol, port, port_end }: Application): string {
    return hasPorts(protocol) ? ` – ${PROTOCOLS[protocol]} ${ports(port, port_end)}` : "";
  }

  private name() {
    const error = this.errors.name;
    return field({
      id: "name",
      label: this.page.texts.get("field_name"),
      error,
      control: html`
        <input
          id="name"
          maxlength="64"
          autocomplete="off"
          aria-invalid=${isInvalid(error)}
          aria-describedby=${describedBy("name")}
          .value=${this.draft.name}
          @input=${(event: Event) => this.set({ name: value(event) })}
        />
      `,
    });
  }

  private protocol() {
    const { texts } = this.page;
    const error = this.errors.protocol;
    const names: Record<Protocol, string> = {
      ...PROTOCOLS,
      ping6: texts.get("protocol_ping6"),
      exposed_host: texts.get("protocol_exposed_host"),
    };
    return field({
      id: "protocol",
      label: texts.get("field_protocol"),
      error,
      control: html`
        <select
          id="protocol"
          aria-invalid=${isInvalid(error)}
          aria-describedby=${describedBy("protocol")}
          @change=${(event: Event) =>
            this.change(withProtocol(this.draft, value(event) as Protocol))}
        >
          ${Object.entries(names).map(
            ([protocol, name]) => html`
              <option value=${protocol} .selected=${protocol === this.draft.protocol}>
                ${name}
              </option>
            `,
          )}
        </select>
      `,
    });
  }

  private port() {
    const { texts } = this.page;
    const error = this.errors.port;
    return field({
      id: "port",
      label: texts.get("field_port"),
      hint: texts.get("field_port_hint"),
      error,
      control: html`
        <div class="controls range">
          ${this.portInput("port", "port")}
          <span aria-hidden="true">${texts.get("to")}</span>
          ${this.portInput("portEnd", "port", texts.get("field_port_end"))}
        </div>
      `,
    });
  }

  private externalPort() {
    const { texts } = this.page;
    const { checked } = this;
    const would = ports(checked?.external_port ?? null, checked?.external_port_end ?? null);
    return field({
      id: "external_port",
      label: texts.get("field_external_port"),
      hint: [
        texts.get("field_external_port_hint"),
        would && !this.draft.externalPort && texts.get("external_port_would_be", { port: would }),
        this.draft.ipv6 && texts.get("external_port_ipv6"),
      ]
        .filter(Boolean)
        .join(" "),
      error: this.errors.external_port,
      control: html`
        <div class="controls range">
          ${this.portInput("externalPort", "external_port")}
          ${this.proposal && this.errors.external_port
            ? html`
                <button type="button" class="button small" @click=${this.useProposal}>
                  ${texts.get("use_proposal", { port: this.proposal })}
                </button>
              `
            : nothing}
        </div>
      `,
    });
  }

  private portInput(
    name: "port" | "portEnd" | "externalPort",
    id: "port" | "external_port",
    label?: string,
  ) {
    return html`
      <input
        id=${label ? `${id}_end` : id}
        class="port"
        inputmode="numeric"
        autocomplete="off"
        aria-label=${label ?? nothing}
        aria-invalid=${isInvalid(this.errors[id])}
        aria-describedby=${describedBy(id)}
        .value=${this.draft[name]}
        @input=${(event: Event) => this.set({ [name]: value(event) })}
      />
    `;
  }

  private families() {
    const { texts } = this.page;
    const possible = familiesOf(this.draft.protocol);
    const error = this.errors.families;
    return fieldGroup({
      id: "families",
      label: texts.get("field_families"),
      error,
      control: html`
        ${(["ipv4", "ipv6"] as const).map(
          (family) => html`
            <label class="choice">
              <input
                type="checkbox"
                name=${family}
                aria-invalid=${isInvalid(error)}
                .checked=${this.draft[family]}
                ?disabled=${!possible[family]}
                @change=${(event: Event) =>
                  this.set({ [family]: (event.target as HTMLInputElement).checked })}
              />
              ${texts.get(`families_${family}`)}
            </label>
          `,
        )}
      `,
    });
  }

  private callers() {
    const { texts } = this.page;
    const { restricted } = this.draft;
    const error = this.errors.sources;
    const choice = (only: boolean, label: string) => html`
      <label class="choice">
        <input
          type="radio"
          name="callers"
          .checked=${restricted === only}
          @change=${() => this.set({ restricted: only })}
        />
        ${label}
      </label>
    `;
    return html`
      ${fieldGroup({
        id: "callers",
        label: texts.get("field_callers"),
        control: html`
          ${choice(false, texts.get("callers_everybody"))}
          ${choice(true, texts.get("callers_only"))}
        `,
      })}
      ${restricted
        ? field({
            id: "sources",
            label: texts.get("field_sources"),
            hint: texts.get("field_sources_hint"),
            error,
            control: html`
              <textarea
                id="sources"
                rows="3"
                spellcheck="false"
                aria-invalid=${isInvalid(error)}
                aria-describedby=${describedBy("sources")}
                .value=${this.draft.sources}
                @input=${(event: Event) => this.set({ sources: value(event) })}
              ></textarea>
            `,
          })
        : nothing}
    `;
  }

  private opening() {
    const { texts, format } = this.page;
    const { opening } = this.draft;
    const error = this.errors.open;
    const option = (value: Opening, text: string) =>
      html`<option value=${value} .selected=${value === opening}>${text}</option>`;
    const until = this.share?.open_until;
    return field({
      id: "open",
      label: texts.get("field_open"),
      error,
      control: html`
        <select
          id="open"
          aria-invalid=${isInvalid(error)}
          aria-describedby=${describedBy("open")}
          @change=${(event: Event) => this.set({ opening: openingOf(value(event)) })}
        >
          ${until && this.share?.enabled
            ? option("keep", texts.get("open_keep", { time: format.moment(until) }))
            : nothing}
          ${option("on", texts.get("open_on"))}
          ${DURATIONS.map((minutes) =>
            option(minutes, texts.get("open_for", { duration: format.duration(minutes * 60_000) })),
          )}
          ${option("off", texts.get("open_off"))}
        </select>
      `,
    });
  }

  private confirmation() {
    const { texts } = this.page;
    const error = this.errors.confirm;
    return html`
      <div class="box warning" role="group" aria-label=${texts.get("confirm_title")}>
        ${icon("warning")}
        <p id="confirm-hint" role="alert">${this.warning}</p>
        <label class="choice">
          <input
            type="checkbox"
            id="confirm"
            aria-invalid=${isInvalid(error)}
            aria-describedby=${describedBy("confirm")}
            .checked=${this.confirmed}
            @change=${(event: Event) =>
              this.fire("confirm", (event.target as HTMLInputElement).checked)}
          />
          ${texts.get("confirm")}
        </label>
        <div class="error" id="confirm-error">${error ?? nothing}</div>
      </div>
    `;
  }

  private choose = (event: Event): void => {
    const application = this.applications[Number(value(event))];
    if (application) this.change(withApplication(this.draft, application));
  };

  private useProposal = (): void => {
    // A range is given by its beginning.
    this.set({ externalPort: this.proposal!.split(/[^\d]/)[0]! });
    this.renderRoot.querySelector<HTMLElement>("#external_port")?.focus();
  };

  private submit = (event: Event): void => {
    event.preventDefault();
    this.fire("apply", undefined);
  };

  private set(changes: Partial<Draft>): void {
    this.change({ ...this.draft, ...changes });
  }

  private change(draft: Draft): void {
    this.fire("draft", draft);
  }

  private fire<T>(name: string, detail: T): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function value(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement).value;
}

function openingOf(value: string): Opening {
  return value === "on" || value === "off" || value === "keep" ? value : Number(value);
}
