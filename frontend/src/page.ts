import type { Device, Share } from "./server/contract";
import type { Server } from "./server/server";
import type { Format } from "./format";
import type { Texts } from "./i18n/texts";

/** What every part of the page needs. It is replaced as a whole if the language changes. */
export interface Page {
  readonly server: Server;
  readonly texts: Texts;
  readonly format: Format;
}

/** The dialogs; there is one at a time. */
export type Dialog =
  | { readonly kind: "share"; readonly device: Device; readonly share?: Share }
  | { readonly kind: "device"; readonly device?: Device }
  | { readonly kind: "open"; readonly share: Share }
  | { readonly kind: "question"; readonly question: Question };

/** Something that is done only if the user says yes. */
export interface Question {
  readonly title: string;
  readonly body: string;
  /** Names of what it is about. */
  readonly items?: readonly string[];
  readonly footnote?: string;
  readonly yes: string;
  readonly act: () => Promise<unknown>;
  /** What to say when it is done. */
  readonly done: string;
}

declare global {
  interface HTMLElementEventMap {
    "portshare-dialog": CustomEvent<Dialog | undefined>;
    "portshare-tell": CustomEvent<string>;
  }
}

/** Open a dialog, or close the one that is open. */
export function showDialog(from: HTMLElement, dialog?: Dialog): void {
  const init = { detail: dialog, bubbles: true, composed: true };
  from.dispatchEvent(new CustomEvent("portshare-dialog", init));
}

/** Say something in passing, on the screen and to screen readers. */
export function tell(from: HTMLElement, text: string): void {
  const init = { detail: text, bubbles: true, composed: true };
  from.dispatchEvent(new CustomEvent("portshare-tell", init));
}
