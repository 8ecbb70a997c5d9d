import { LitElement, css, html } from "lit";
import { property, query, state } from "lit/decorators.js";
import { element } from "../element";
import type { Texts } from "../i18n/texts";
import { icon } from "../icons";
import { buttons, theme } from "../styles";

/** Resolved when the dialog before has left the browser's history. */
let leftHistory: Promise<void> = Promise.resolve();

/**
 * The frame of every dialog: a heading, the content, and a way out that asks if something
 * would be lost. It fires `leave` when the user wants to be out.
 */
@element("portshare-dialog")
export class DialogFrame extends LitElement {
  static override styles = [
    theme,
    buttons,
    css`
      dialog {
        flex-direction: column;
        width: min(560px, 100vw - 32px);
        max-width: none;
        max-height: calc(100dvh - 32px);
        padding: 0;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--text);
        box-shadow: 0 12px 40px rgb(0 0 0 / 35%);
        overflow: hidden;
      }
      dialog[open] {
        display: flex;
        animation: appear 0.14s ease-out;
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 50%);
      }
      @keyframes appear {
        from {
          opacity: 0;
          translate: 0 8px;
        }
      }
      .head,
      .foot,
      .discard {
        display: flex;
        align-items: center;
        gap: 8px;
        flex: none;
        padding: 12px 16px 12px 24px;
      }
      .head {
        justify-content: space-between;
        padding-bottom: 4px;
      }
      h2 {
        font-size: 20px;
        font-weight: 500;
        line-height: 28px;
        overflow-wrap: anywhere;
      }
      .content {
        flex: 1;
        padding: 8px 24px 16px;
        overflow-y: auto;
        overscroll-behavior: contain;
      }
      .foot,
      .discard {
        justify-content: flex-end;
        border-top: 1px solid var(--line);
      }
      .discard {
        flex-wrap: wrap;
        background: color-mix(in srgb, var(--warn) 14%, var(--surface));
      }
      .discard p {
        flex: 1 1 auto;
        font-weight: 500;
      }
      @media (max-width: 520px) {
        dialog {
          width: 100vw;
          height: 100dvh;
          max-height: none;
          margin: 0;
          border: 0;
          border-radius: 0;
        }
        .head,
        .foot,
        .discard,
        .content {
          padding-inline: 16px;
        }
        .small {
          width: calc(100vw - 32px);
          height: auto;
          margin: auto;
          border-radius: var(--radius);
        }
      }
    `,
  ];

  @property({ attribute: false }) texts!: Texts;
  @property() heading = "";
  @property({ type: Boolean }) dirty = false;
  /** A question or the like: it stays small on a phone, too. */
  @property({ type: Boolean }) small = false;

  @state() private asks = false;
  @query("dialog") private dialog!: HTMLDialogElement;
  @query("#keep") private keepButton!: HTMLButtonElement;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.enterHistory();
    addEventListener("beforeunload", this.beforeUnload);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.back);
    removeEventListener("beforeunload", this.beforeUnload);
    this.leaveHistory();
  }

  override firstUpdated(): void {
    this.dialog.showModal();
  }

  /** Close it, so that the focus goes back to where it came from. */
  close(): void {
    this.dialog.close();
  }

  override render() {
    const { texts } = this;
    return html`
      <dialog
        closedby="none"
        class=${this.small ? "small" : ""}
        aria-labelledby="heading"
        @cancel=${this.cancel}
        @keydown=${this.key}
      >
        <div class="head">
          <h2 id="heading">${this.heading}</h2>
          <button
            class="icon-button"
            type="button"
            aria-label=${texts.get("close")}
            title=${texts.get("close")}
            @click=${this.leave}
          >
            ${icon("close")}
          </button>
        </div>
        <div class="content"><slot></slot></div>
        ${this.asks
          ? this.discardQuestion()
          : html`<div class="foot"><slot name="actions"></slot></div>`}
      </dialog>
    `;
  }

  private discardQuestion() {
    return html`
      <div class="discard" role="alertdialog" aria-labelledby="discard">
        <p id="discard">${this.texts.get("discard_title")}</p>
        <button class="button quiet" type="button" id="keep" @click=${() => (this.asks = false)}>
          ${this.texts.get("keep_editing")}
        </button>
        <button class="button danger" type="button" @click=${this.discard}>
          ${this.texts.get("discard")}
        </button>
      </div>
    `;
  }

  /** Leave, but ask first if something has been changed. */
  leave = async (): Promise<void> => {
    if (!this.dirty) return this.discard();
    this.asks = true;
    await this.updateComplete;
    this.keepButton.focus();
  };

  private discard = (): void => {
    this.dispatchEvent(new CustomEvent("leave"));
  };

  private cancel = (event: Event): void => {
    event.preventDefault();
    void this.leave();
  };

  private key = (event: KeyboardEvent): void => {
    // Home Assistant's shortcuts would open something behind this dialog.
    event.stopPropagation();
    if (event.key !== "Escape") return;
    // A browser closes a dialog at the second Escape whatever `cancel` says.
    event.preventDefault();
    if (this.asks) this.asks = false;
    else void this.leave();
  };

  /** Let a phone's back button close the dialog, and not the page below it. */
  private async enterHistory(): Promise<void> {
    await leftHistory;
    if (!this.isConnected) return;
    history.pushState({ ...history.state, portshareDialog: true }, "");
    addEventListener("popstate", this.back);
  }

  private leaveHistory(): void {
    if (!(history.state as { portshareDialog?: true } | null)?.portshareDialog) return;
    leftHistory = new Promise((resolve) => {
      addEventListener("popstate", () => resolve(), { once: true });
    });
    history.back();
  }

  private back = (): void => {
    if (this.dirty) history.pushState({ ...history.state, portshareDialog: true }, "");
    void this.leave();
  };

  private beforeUnload = (event: BeforeUnloadEvent): void => {
    if (this.dirty) event.preventDefault();
  };
}
