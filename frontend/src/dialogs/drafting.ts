import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Texts } from "../i18n/texts";
import type { Checked, Share, ShareFields } from "../server/contract";
import type { Failure } from "../server/failure";
import { NEW_DRAFT, draftOf, fieldOfCode, fieldsOf, type Draft, type DraftField } from "./draft";
import type { Errors } from "./form";

const CHECK_MS = 250;

/** A share in the making: the draft, and what the server says to it while it is typed. */
export class Drafting implements ReactiveController {
  draft: Draft;
  errors: Errors<DraftField> = {};
  checked: Checked | undefined;
  proposal: string | undefined;
  warning = "";
  confirmed = false;
  busy = false;

  private readonly first: Draft;
  private hasApplied = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly share: Share | undefined,
    private readonly texts: Texts,
    /** Ask the server; nothing to ask if there is no device yet. */
    private readonly check: (fields: ShareFields) => Promise<Checked> | undefined,
  ) {
    this.draft = this.first = share ? draftOf(share) : NEW_DRAFT;
    host.addController(this);
  }

  get isChanged(): boolean {
    return JSON.stringify(this.draft) !== JSON.stringify(this.first);
  }

  get fields(): ShareFields {
    return fieldsOf(this.draft, this.share, Date.now());
  }

  hostDisconnected(): void {
    clearTimeout(this.timer);
    this.attempt += 1;
  }

  change = (draft: Draft): void => {
    this.draft = draft;
    this.checkSoon();
    this.host.requestUpdate();
  };

  confirm = (confirmed: boolean): void => {
    this.confirmed = confirmed;
    this.errors = { ...this.errors, confirm: undefined };
    this.host.requestUpdate();
  };

  /** Check what has been changed, when the typing pauses. */
  checkSoon(): void {
    clearTimeout(this.timer);
    this.attempt += 1;
    this.timer = setTimeout(() => void this.checkNow(), CHECK_MS);
  }

  /** Save, and say whether it was saved. If not, the errors say why. */
  async apply(save: () => Promise<unknown>): Promise<boolean> {
    clearTimeout(this.timer);
    this.attempt += 1;
    this.hasApplied = true;
    this.busy = true;
    this.host.requestUpdate();
    try {
      await save();
      return true;
    } catch (failure) {
      this.refused(failure as Failure);
      return false;
    } finally {
      this.busy = false;
      this.host.requestUpdate();
    }
  }

  refuse(field: DraftField, text: string): void {
    this.errors = { [field]: text };
    this.host.requestUpdate();
  }

  private async checkNow(): Promise<void> {
    const attempt = this.attempt;
    const fields = this.fields;
    try {
      // A name that is still missing must not hide what is wrong with the ports.
      const checked = await this.check({ ...fields, name: fields.name || "…" });
      if (attempt !== this.attempt) return;
      this.errors = {};
      this.checked = checked;
      this.proposal = undefined;
      this.warning = "";
      this.confirmed = false;
    } catch (failure) {
      if (attempt !== this.attempt) return;
      this.refused(failure as Failure);
    }
    this.host.requestUpdate();
  }

  private refused({ code, message, proposal }: Failure): void {
    const field = fieldOfCode(code);
    this.checked = undefined;
    this.proposal = proposal;
    if (field === "confirm") this.warn(message);
    else this.errors = this.isUntouched(field) ? {} : { [field]: message };
  }

  /** Show the warning, and only at the second attempt that it was not confirmed. */
  private warn(message: string): void {
    const isKnown = message === this.warning;
    if (!isKnown) this.confirmed = false;
    this.warning = message;
    const isIgnored = isKnown && this.hasApplied && !this.confirmed;
    this.errors = isIgnored ? { confirm: this.texts.get("confirm_required") } : {};
  }

  /** Nobody is blamed for a field that he has not come to yet. */
  private isUntouched(field: DraftField): boolean {
    return !this.hasApplied && field === "port" && !this.draft.port;
  }
}
