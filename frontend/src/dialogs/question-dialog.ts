import { LitElement, css, html, nothing } from "lit";
import { property, query, state } from "lit/decorators.js";
import { element } from "../element";
import { showDialog, tell, type Page, type Question } from "../page";
import type { Failure } from "../server/failure";
import { buttons, theme } from "../styles";
import type { DialogFrame } from "./dialog";
import "./dialog";

/** Asks before something is done that closes ports, and does it. */
@element("portshare-question-dialog")
export class QuestionDialog extends LitElement {
  static override styles = [
    theme,
    buttons,
    css`
      ul {
        margin-block: 12px;
        padding-inline-start: 20px;
        list-style: disc;
        overflow-wrap: anywhere;
      }
      p + p {
        margin-top: 12px;
      }
    `,
  ];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) question!: Question;

  @state() private busy = false;
  @state() private refused = "";
  @query("portshare-dialog") private frame!: DialogFrame;
  @query(".quiet") private cancel!: HTMLButtonElement;

  override async firstUpdated(): Promise<void> {
    await this.frame.updateComplete;
    this.cancel.focus();
  }

  override render() {
    const { page, question } = this;
    return html`
      <portshare-dialog small .texts=${page.texts} .heading=${question.title} @leave=${this.leave}>
        <p>${question.body}</p>
        ${question.items?.length
          ? html`<ul>
              ${question.items.map((item) => html`<li>${item}</li>`)}
            </ul>`
          : nothing}
        ${question.footnote ? html`<p>${question.footnote}</p>` : nothing}
        <p class="problem" role="alert">${this.refused}</p>
        <button slot="actions" class="button quiet" @click=${this.leave}>
          ${page.texts.get("cancel")}
        </button>
        <button slot="actions" class="button danger" ?disabled=${this.busy} @click=${this.act}>
          ${question.yes}
        </button>
      </portshare-dialog>
    `;
  }

  private act = async (): Promise<void> => {
    this.busy = true;
    try {
      await this.question.act();
      tell(this, this.question.done);
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
