import { LitElement, html, nothing } from "lit";
import { property, query, state } from "lit/decorators.js";
import { element } from "../element";
import { showDialog, tell, type Page } from "../page";
import type { Application, Device } from "../server/contract";
import { buttons, fields, theme } from "../styles";
import type { DialogFrame } from "./dialog";
import { Drafting } from "./drafting";
import { describedBy, field, foot, formStyles, isInvalid } from "./form";
import type { HostPicker } from "./host-picker";
import type { ShareForm } from "./share-form";
import "./dialog";
import "./host-picker";
import "./share-form";

/** Adds a device with its first share, or edits a device. */
@element("portshare-device-dialog")
export class DeviceDialog extends LitElement {
  static override styles = [theme, buttons, fields, formStyles];

  @property({ attribute: false }) page!: Page;
  /** The device that is edited, if it is not a new one. */
  @property({ attribute: false }) device: Device | undefined;
  @property({ attribute: false }) applications: readonly Application[] = [];

  @state() private mac = "";
  @state() private name = "";
  @state() private knownAs = "";
  @state() private withShare = true;
  private drafting!: Drafting;
  private original: Device | undefined;
  @query("portshare-dialog") private frame!: DialogFrame;
  @query("portshare-host-picker") private picker!: HostPicker | null;
  @query("portshare-share-form") private form!: ShareForm | null;
  @query("#device-name") private nameInput!: HTMLInputElement;

  override willUpdate(): void {
    if (this.drafting) return;
    this.original = this.device;
    this.name = this.device?.name ?? "";
    this.drafting = new Drafting(this, undefined, this.page.texts, (fields) =>
      this.mac && this.withShare
        ? this.page.server.checkShare({ mac: this.mac, ...fields })
        : undefined,
    );
  }

  override async firstUpdated(): Promise<void> {
    await this.picker?.updateComplete;
    (this.picker ?? this.nameInput).focus();
  }

  override render() {
    const { page, drafting, original } = this;
    const { texts } = page;
    return html`
      <portshare-dialog
        .texts=${texts}
        .heading=${texts.get(original ? "device_edit_title" : "device_add_title")}
        .dirty=${this.isChanged}
        @leave=${this.leave}
      >
        <form @submit=${this.submitted}>
          ${original ? this.identity(original) : this.hostPicker()} ${this.nameField()}
          <button hidden></button>
        </form>
        ${original ? nothing : this.firstShare()}
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

  private identity({ mac, ipv4, ipv6 }: Device) {
    return html`<p class="of">${[mac, ipv4, ...ipv6].filter(Boolean).join(" · ")}</p>`;
  }

  private hostPicker() {
    return html`
      <portshare-host-picker
        .page=${this.page}
        .chosen=${this.mac}
        .error=${this.drafting.errors.device}
        @pick=${this.pick}
      ></portshare-host-picker>
    `;
  }

  private nameField() {
    const { texts } = this.page;
    const { original } = this;
    // While a share is edited, too, an error of the name is the share's.
    const error = original ? this.drafting.errors.name : undefined;
    return field({
      id: "device-name",
      label: texts.get("field_device_name"),
      hint: original ? "" : texts.get("field_device_name_hint"),
      error,
      control: html`
        <input
          id="device-name"
          maxlength="64"
          autocomplete="off"
          placeholder=${this.knownAs}
          aria-invalid=${isInvalid(error)}
          aria-describedby=${describedBy("device-name")}
          .value=${this.name}
          @input=${(event: Event) => (this.name = (event.target as HTMLInputElement).value)}
        />
      `,
    });
  }

  private firstShare() {
    const { page, drafting } = this;
    return html`
      <div class="part">
        <label class="choice">
          <input
            type="checkbox"
            .checked=${this.withShare}
            @change=${(event: Event) => {
              this.withShare = (event.target as HTMLInputElement).checked;
            }}
          />
          ${page.texts.get("with_share")}
        </label>
        ${this.withShare
          ? html`
              <portshare-share-form
                .page=${page}
                .applications=${this.applications}
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
            `
          : nothing}
      </div>
    `;
  }

  private get isChanged(): boolean {
    const nameWas = this.original?.name ?? "";
    return this.name !== nameWas || Boolean(this.mac) || this.drafting.isChanged;
  }

  private pick = ({ detail }: CustomEvent<{ mac: string; name: string }>): void => {
    this.mac = detail.mac;
    this.knownAs = detail.name;
    this.drafting.checkSoon();
  };

  private submitted = (event: Event): void => {
    event.preventDefault();
    void this.apply();
  };

  private apply = async (): Promise<void> => {
    const { drafting, original } = this;
    const { texts } = this.page;
    if (drafting.busy) return;
    if (!original && !this.mac) {
      drafting.refuse("device", texts.get("device_required"));
      return this.picker!.focus();
    }
    if (await drafting.apply(() => (original ? this.saveEdited(original) : this.saveNew()))) {
      const device = this.name.trim() || this.knownAs || this.mac;
      tell(this, texts.get("saved_device", { device }));
      this.leave();
    } else {
      await this.focusError();
    }
  };

  private saveNew(): Promise<unknown> {
    const { drafting } = this;
    const name = this.name.trim();
    const confirm = drafting.confirmed ? { confirm: true } : {};
    return this.page.server.addDevice({
      mac: this.mac,
      ...(name ? { name } : {}),
      ...(this.withShare ? { share: { ...drafting.fields, ...confirm } } : {}),
    });
  }

  private saveEdited(device: Device): Promise<unknown> {
    return this.page.server.updateDevice({ device_id: device.id, name: this.name.trim() });
  }

  private async focusError(): Promise<void> {
    await this.updateComplete;
    if (this.drafting.errors.device) return this.picker?.focus();
    if (this.original) return this.nameInput.focus();
    await this.form?.updateComplete;
    this.form?.focus();
  }

  private leave = (): void => {
    this.frame.close();
    showDialog(this);
  };
}
