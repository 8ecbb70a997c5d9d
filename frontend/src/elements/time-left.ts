import { LitElement } from "lit";
import { property } from "lit/decorators.js";
import { element } from "../element";
import type { Page } from "../page";

/** How long it is until a moment. It counts down by itself. */
@element("portshare-time-left")
export class TimeLeft extends LitElement {
  @property({ attribute: false }) page!: Page;
  @property() until!: string;

  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Its text is part of the row that it stands in. */
  protected override createRenderRoot() {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override render() {
    const left = Math.max(0, Date.parse(this.until) - Date.now());
    clearTimeout(this.timer);
    // What is shown changes with each minute, and in the last one with each second.
    const next = left > 60_000 ? (left - 1) % 60_000 : (left - 1) % 1000;
    if (left > 0 && this.isConnected) this.timer = setTimeout(() => this.requestUpdate(), next + 1);
    return this.page.format.duration(left);
  }
}
