import { LitElement, html } from "lit";
import { property, query, state } from "lit/decorators.js";
import { element } from "../element";
import { showDialog, tell, type Page } from "../page";
import type { Share } from "../server/contract";
import type { Failure } from "../server/failure";
import { buttons, fields, theme } from "../styles";
import type { DialogFrame } from "./dialog";
import { DURATIONS } from "./draft";
import { describedBy, field, formStyles, isInvalid } from "./form";
import "./dialog";

/** Opens a share for a while. */
@element("portshare-open-dialog")
export class OpenDialog extends LitElement {
  static override styles = [theme, buttons, fields, formStyles];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) share!: Share;

  @state() private minutes = 60;
  @state() private busy = false;
  @state() private refused: string | undefined;
  @query("portshare-dialog") private frame!: DialogFrame;
  @query("select") private select!: HTMLSelectElement;

  override async firstUpdated(): Promise<void> {
    await this.frame.updateComplete;
    this.select.focus();
  }

  override render() {
    const { texts, format } = this.page;
    const label = texts.get("field_open");
    return html`
      <portshare-dialog
        small
        .texts=${texts}
        .heading=${texts.get("open_title")}
        @leave=${this.leave}
      >
        <form id="form" @submit=${this.submit}>
          <p>${texts.get("open_body", { share: this.share.name })}</p>
          ${field({
            id: "open",
            label,
            error: this.refused,
            control: html`
              <select
                id="open"
                aria-invalid=${isInvalid(this.refused)}
                aria-describedby=${describedBy("open")}
                @change=${(event: Event) =>
                  (this.minutes = Number((event.target as HTMLSelectElement).value))}
              >
                ${DURATIONS.map(
                  (minutes) => html`
                    <option value=${minutes} .selected=${minutes === this.minutes}>
                      ${format.duration(minutes * 60_000)}
                    </option>
                  `,
                )}
              </select>
            `,
          })}
        </form>
        <button slot="actions" class="button quiet" @click=${this.leave}>
          ${texts.get("cancel")}
        </button>
        <button
          slot="actions"
          class="button primary"
          type="button"
          ?disabled=${this.busy}
          @click=${this.submit}
        >
          ${texts.get("open_submit")}
        </button>
      </portshare-dialog>
    `;
  }

  private submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { texts, format, server } = this.page;
    this.busy = true;
    try {
      await server.openTemporarily(this.share.id, this.minutes);
      const duration = format.duration(this.minutes * 60_000);
      tell(this, texts.get("opened", { share: this.share.name, duration }));
      this.leave();
    } catch (failure) {
      this.refused = (failure as Failure).message;
      this.busy = false;
    }
  };

  private leave = (): void => {
    this.frame.close();
    showDialog(this);
  };
}
