import { LitElement, html } from "lit";
import { property, query } from "lit/decorators.js";
import { element } from "../element";
import { showDialog, tell, type Page } from "../page";
import type { Application, Device, Share, ShareFields } from "../server/contract";
import { buttons, theme } from "../styles";
import type { DialogFrame } from "./dialog";
import { changedFields } from "./draft";
import { Drafting } from "./drafting";
import { foot, formStyles } from "./form";
import type { ShareForm } from "./share-form";
import "./dialog";
import "./share-form";

/** Adds a share to a device, or edits one. */
@element("portshare-share-dialog")
export class ShareDialog extends LitElement {
  static override styles = [theme, buttons, formStyles];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) device!: Device;
  @property({ attribute: false }) share: Share | undefined;
  @property({ attribute: false }) applications: readonly Application[] = [];

  private drafting!: Drafting;
  /** The share as it was when the dialog was opened. */
  private original: Share | undefined;
  @query("portshare-dialog") private frame!: DialogFrame;
  @query("portshare-share-form") private form!: ShareForm;

  override willUpdate(): void {
    if (this.drafting) return;
    const { page, share } = this;
    this.original = share;
    this.drafting = new Drafting(this, share, page.texts, (fields) =>
      page.server.checkShare({ ...this.identity, ...this.news(fields) }),
    );
  }

  override async firstUpdated(): Promise<void> {
    await this.form.updateComplete;
    this.form.focus();
    this.drafting.checkSoon();
  }

  override render() {
    const { page, drafting, device, original } = this;
    const { texts } = page;
    return html`
      <portshare-dialog
        .texts=${texts}
        .heading=${original ? texts.get("share_edit_title") : texts.get("share_add_title")}
        .dirty=${drafting.isChanged}
        @leave=${this.leave}
      >
        <p class="of">${device.name}</p>
        <portshare-share-form
          .page=${page}
          .applications=${this.applications}
          .share=${original}
          .draft=${drafting.draft}
          .errors=${drafting.errors}
          .checked=${drafting.checked}
          .proposal=${drafting.proposal}
          .warning=${drafting.warning}
          .confirmed=${drafting.confirmed}
          @draft=${(event: CustomEvent) => drafting.change(event.detail)}
          @confirm=${(event: CustomEvent) => drafting.confirm(event.detail)}
          @apply=${this.apply}
        ></portshare-share-form>
        ${foot({
          texts,
          refused: drafting.errors.base,
          busy: drafting.busy,
          cancel: () => this.frame.leave(),
          apply: this.apply,
        })}
      </portshare-dialog>
    `;
  }

  private get identity() {
    const { original, device } = this;
    return original ? { share_id: original.id } : { device_id: device.id };
  }

  private news(fields: ShareFields): Partial<ShareFields> {
    return this.original ? changedFields(fields, this.original) : fields;
  }

  private apply = async (): Promise<void> => {
    if (this.drafting.busy) return;
    const { drafting, original, device } = this;
    const { server, texts } = this.page;
    const { fields } = drafting;
    const confirm = drafting.confirmed ? { confirm: true } : {};
    const save = () =>
      original
        ? server.updateShare({
            share_id: original.id,
            ...changedFields(fields, original),
            ...confirm,
          })
        : server.addShare({ device_id: device.id, ...fields, ...confirm });
    if (await drafting.apply(save)) {
      tell(this, texts.get("saved_share", { name: fields.name }));
      this.leave();
    } else {
      await this.updateComplete;
      await this.form.updateComplete;
      this.form.focus();
    }
  };

  private leave = (): void => {
    this.frame.close();
    showDialog(this);
  };
}
