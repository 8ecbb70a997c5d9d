import { LitElement, html, nothing } from "lit";
import { property, query, state } from "lit/decorators.js";
import { element } from "./element";
import { Format } from "./format";
import { Texts, type TextKey } from "./i18n/texts";
import { icon } from "./icons";
import type { Dialog, Page } from "./page";
import { panelStyles } from "./portshare-panel.styles";
import type { LogEntry, State, Told } from "./server/contract";
import type { HomeAssistant } from "./server/home-assistant";
import { Live, type Absence } from "./server/live";
import { Server } from "./server/server";
import { applied, logged } from "./server/state";
import { buttons, theme } from "./styles";
import "./dialogs/device-dialog";
import "./dialogs/open-dialog";
import "./dialogs/question-dialog";
import "./dialogs/share-dialog";
import "./elements/log-view";
import "./elements/picture-view";
import "./elements/shares-view";

const TOLD_MS = 5000;
const VIEWS = ["shares", "log", "picture"] as const;
type View = (typeof VIEWS)[number];

/** The page "Port sharing". Home Assistant makes it, and gives it `hass`, `narrow`, `route`. */
@element("portshare-panel")
export class PortsharePanel extends LitElement {
  static override styles = [theme, buttons, panelStyles];

  @property({ type: Boolean }) narrow = false;
  @property({ attribute: false }) route?: { readonly prefix: string; readonly path: string };

  @state() private page: Page | undefined;
  @state() private isConnectedToServer = true;
  @state() private hidesSidebar = false;
  @state() private absence: Absence | "waiting" = "waiting";
  @state() private data: State | undefined;
  @state() private log: readonly LogEntry[] | undefined;
  @state() private dialog: Dialog | undefined;
  @state() private told = "";
  @query("h1") private heading!: HTMLElement;

  private hassNow: HomeAssistant | undefined;
  private live: Live | undefined;
  private toldTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly server = new Server(() => this.hassNow!);

  /** Home Assistant sets this at every change of any entity, so look at what matters here. */
  set hass(hass: HomeAssistant) {
    const before = this.hassNow;
    this.hassNow = hass;
    this.isConnectedToServer = hass.connected;
    this.hidesSidebar = hass.dockedSidebar === "always_hidden";
    const hasOtherLanguage = before?.language !== hass.language;
    if (hasOtherLanguage || before?.locale !== hass.locale) this.speak(hass);
    if (hasOtherLanguage || before?.connection !== hass.connection) this.listen();
  }

  get hass(): HomeAssistant | undefined {
    return this.hassNow;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("portshare-dialog", this.changeDialog);
    this.addEventListener("portshare-tell", this.tell);
    this.addEventListener("keydown", keepKeys);
    this.listen();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.live?.stop();
    this.live = undefined;
  }

  private speak(hass: HomeAssistant): void {
    const texts = new Texts(hass.language);
    this.page = { server: this.server, texts, format: new Format(hass) };
    this.lang = texts.language;
  }

  private listen(): void {
    this.live?.stop();
    this.live = undefined;
    if (!this.isConnected || !this.hassNow) return;
    const { connection, language } = this.hassNow;
    this.live = new Live(connection, language, this.hear, this.miss);
    this.live.start();
  }

  private hear = (told: Told): void => {
    if ("snapshot" in told) {
      this.data = told.snapshot ?? undefined;
      if (told.snapshot) void this.loadLog();
      else this.miss("not_running");
    } else if (this.data) {
      this.data = applied(this.data, told.changes);
      if (this.log && told.changes.log) this.log = logged(this.log, told.changes.log);
    }
  };

  private miss = (absence: Absence): void => {
    this.data = undefined;
    this.dialog = undefined;
    this.absence = absence;
  };

  private async loadLog(): Promise<void> {
    try {
      this.log = (await this.server.log()).entries;
    } catch {
      // The connection is gone again: the next snapshot loads it.
    }
  }

  override render() {
    if (!this.page) return nothing;
    return html`
      ${this.header(this.page)}
      <main>
        ${this.isConnectedToServer ? nothing : this.disconnected(this.page)}
        ${this.data ? this.view(this.page, this.data) : this.absent(this.page)}
      </main>
      ${this.data && this.dialog ? this.openDialog(this.page, this.data, this.dialog) : nothing}
      <div class="told" role="status">${this.told ? html`<p>${this.told}</p>` : nothing}</div>
    `;
  }

  private header({ texts }: Page) {
    const menu = html`
      <button
        class="icon-button"
        aria-label=${texts.get("menu")}
        title=${texts.get("menu")}
        @click=${this.toggleMenu}
      >
        ${icon("menu")}
      </button>
    `;
    return html`
      <header>
        ${this.narrow || this.hidesSidebar ? menu : nothing}
        <h1 tabindex="-1">${texts.get("title")}</h1>
        <nav aria-label=${texts.get("views")}>
          ${VIEWS.map(
            (view) => html`
              <a
                href=${this.address(view)}
                aria-current=${view === this.viewNow ? "page" : nothing}
                @click=${(event: MouseEvent) => this.go(event, view)}
                >${texts.get(`view_${view}`)}</a
              >
            `,
          )}
        </nav>
      </header>
    `;
  }

  private view(page: Page, data: State) {
    switch (this.viewNow) {
      case "shares":
        return html`<portshare-shares-view .page=${page} .state=${data}></portshare-shares-view>`;
      case "log":
        return html`<portshare-log-view .page=${page} .state=${data} .log=${this.log}>
        </portshare-log-view>`;
      case "picture":
        return html`<portshare-picture-view .page=${page} .state=${data}></portshare-picture-view>`;
    }
  }

  private openDialog(page: Page, { applications }: State, dialog: Dialog) {
    switch (dialog.kind) {
      case "share":
        return html`<portshare-share-dialog
          .page=${page}
          .device=${dialog.device}
          .share=${dialog.share}
          .applications=${applications}
        ></portshare-share-dialog>`;
      case "device":
        return html`<portshare-device-dialog
          .page=${page}
          .device=${dialog.device}
          .applications=${applications}
        ></portshare-device-dialog>`;
      case "open":
        return html`<portshare-open-dialog .page=${page} .share=${dialog.share}>
        </portshare-open-dialog>`;
      case "question":
        return html`<portshare-question-dialog .page=${page} .question=${dialog.question}>
        </portshare-question-dialog>`;
    }
  }

  private absent({ texts }: Page) {
    const key: TextKey = `absent_${this.absence}`;
    return html`<section class="card absent" role="status"><p>${texts.get(key)}</p></section>`;
  }

  private disconnected({ texts }: Page) {
    return html`<p class="disconnected" role="alert">${texts.get("disconnected")}</p>`;
  }

  private get viewNow(): View {
    const name = this.route?.path.split("/")[1];
    return VIEWS.find((view) => view === name) ?? "shares";
  }

  private address(view: View): string {
    const prefix = this.route?.prefix ?? "/portshare";
    return view === "shares" ? prefix : `${prefix}/${view}`;
  }

  private go(event: MouseEvent, view: View): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.pushState(null, "", this.address(view));
    dispatchEvent(new CustomEvent("location-changed", { detail: { replace: false } }));
  }

  private toggleMenu = (): void => {
    this.dispatchEvent(new CustomEvent("hass-toggle-menu", { bubbles: true, composed: true }));
  };

  private changeDialog = async ({ detail }: CustomEvent<Dialog | undefined>): Promise<void> => {
    this.dialog = detail;
    await this.updateComplete;
    // What had opened the dialog may be gone: then the focus must be somewhere, too.
    if (!detail && !this.shadowRoot?.activeElement) this.heading.focus();
  };

  private tell = ({ detail }: CustomEvent<string>): void => {
    this.told = detail;
    clearTimeout(this.toldTimer);
    this.toldTimer = setTimeout(() => (this.told = ""), TOLD_MS);
  };
}

/** Home Assistant's shortcuts are single letters: what is typed in a field is not for them. */
function keepKeys(event: KeyboardEvent): void {
  const target = event.composedPath()[0] as Element;
  if (target.matches("input, select, textarea")) event.stopPropagation();
}
