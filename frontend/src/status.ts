import { html, type TemplateResult } from "lit";
import type { Family, Lease, Share } from "./server/contract";
import type { Texts } from "./i18n/texts";

export const FAMILY: Readonly<Record<Family, string>> = { ipv4: "IPv4", ipv6: "IPv6" };

export type Light = "active" | "off" | "warning" | "problem";

/** The light for a status: what waits for something is a warning, what collides is a problem. */
export function light(one: Share | Lease): Light {
  switch (one.status) {
    case "active":
      return "nobody_listens" in one && one.nobody_listens ? "warning" : "active";
    case "off":
      return "off";
    case "no_internet":
    case "device_unknown":
      return "warning";
    case "conflict":
    case "blocked":
    case "error":
      return "problem";
  }
}

/** The status in words, with the reason why it is not open. */
export function statusText(one: Share | Lease, texts: Texts): string {
  if (one.status !== "active") return texts.get(`status_${one.status}`);
  if ("nobody_listens" in one) {
    if (one.nobody_listens) return texts.get("status_nobody_listens");
    const [family] = one.families;
    if (one.ipv4 && one.ipv6 && family && one.families.length === 1)
      return texts.get("status_partly", { family: FAMILY[family] });
  }
  return texts.get("status_active");
}

/** The light, for the eyes only: the words stand beside it. */
export function led(which: Light, title = ""): TemplateResult {
  return html`<span class="led ${which}" title=${title}></span>`;
}
