import { html, nothing, type TemplateResult } from "lit";
import type { Device, Share, Traffic } from "../server/contract";
import { PROTOCOLS, externalIpv4, externalIpv6, hasPorts, ports } from "../format";
import { icon } from "../icons";
import { isProblem } from "../list";
import { showDialog, tell, type Page } from "../page";
import { led, light, statusText } from "../status";
import { copy } from "../copy";

interface ShareRow {
  readonly page: Page;
  readonly share: Share;
  readonly device: Device;
  readonly traffic: Traffic | undefined;
  /** What the switch is on its way to. */
  readonly wanted: boolean | undefined;
  /** Why the switch was refused. */
  readonly refused: string | undefined;
  readonly toggle: (share: Share, on: boolean) => void;
}

export function shareRow(row: ShareRow): TemplateResult {
  const { page, share, device } = row;
  return html`
    <tr role="row" class="share" data-share=${share.id}>
      ${applicationCell(row)}
      <td role="cell" class="service" data-label=${page.texts.get("column_service")}>
        ${serviceText(page, share)}
      </td>
      ${portCell(page, share, "ipv4", externalIpv4(share))}
      ${portCell(page, share, "ipv6", externalIpv6(share))}
      <td role="cell" class="call">${callButtons(page, share.calls)}</td>
      <td role="cell" class="on">${shareSwitch(row)}</td>
      <td role="cell" class="actions">
        ${action("clock", page.texts.get("open_share_temporarily", { share: share.name }), (from) =>
          showDialog(from, { kind: "open", share }),
        )}
        ${action("edit", page.texts.get("edit_share", { share: share.name }), (from) =>
          showDialog(from, { kind: "share", device, share }),
        )}
        ${action("delete", page.texts.get("delete_share", { share: share.name }), (from) =>
          askToDelete(from, page, share),
        )}
      </td>
    </tr>
  `;
}

function applicationCell({ page, share, traffic, refused }: ShareRow): TemplateResult {
  const { texts } = page;
  const status = statusText(share, texts);
  const plain = !isProblem(share) && status === texts.get(`status_${share.status}`);
  return html`
    <th role="rowheader" scope="row" class="application">
      ${led(light(share), status)}
      <div>
        <span class="name">${share.name}</span>
        <span class=${plain ? "for-screen-readers" : "status"}>${status}</span>
        ${share.sources.length
          ? html`<span class="chip" title=${share.sources.join("\n")}>
              ${texts.count("callers", share.sources.length)}
            </span>`
          : nothing}
        ${share.enabled && share.open_until
          ? html`<span class="chip" title=${page.format.moment(share.open_until)}>
              ${icon("clock")}<span class="for-screen-readers">${texts.get("column_closes")}</span>
              <portshare-time-left .page=${page} until=${share.open_until}></portshare-time-left>
            </span>`
          : nothing}
        ${lastCaller(page, traffic)}
        ${refused
          ? html`<span class="refused" role="alert" id="refused-${share.id}">${refused}</span>`
          : nothing}
      </div>
    </th>
  `;
}

export function serviceText({ texts }: Page, share: Share): string {
  if (share.protocol === "exposed_host") return texts.get("everything");
  if (!hasPorts(share.protocol)) return PROTOCOLS[share.protocol];
  return `${PROTOCOLS[share.protocol]} ${ports(share.port, share.port_end)}`;
}

function portCell(page: Page, share: Share, family: "ipv4" | "ipv6", port: string) {
  const { texts } = page;
  const label = texts.get(`column_${family}`);
  const isOpen = share.families.includes(family);
  const text = port || (share[family] ? serviceText(page, share) : "–");
  return html`
    <td role="cell" class="${family} ${isOpen ? "" : "muted"}" data-label=${label}>
      ${text}${share[family] && !isOpen
        ? html`<span class="for-screen-readers">, ${texts.get("not_open_now")}</span>`
        : nothing}
    </td>
  `;
}

export function callButtons({ texts }: Page, calls: readonly string[]) {
  return calls.map(
    (call) => html`
      <button
        class="copy"
        title=${texts.get("copy", { text: call })}
        @click=${(event: Event) => copyCall(event.currentTarget as HTMLElement, texts, call)}
      >
        <code>${call}</code>${icon("copy")}
      </button>
    `,
  );
}

async function copyCall(from: HTMLElement, texts: Page["texts"], call: string): Promise<void> {
  const copied = await copy(call);
  tell(from, texts.get(copied ? "copied" : "copy_failed", { text: call }));
}

function lastCaller({ texts, format }: Page, traffic: Traffic | undefined) {
  if (!traffic?.last_visitor || !traffic.last_call) return nothing;
  const summary = texts.get("traffic", {
    connections: format.number(traffic.connections),
    in: format.bytes(traffic.bytes_in),
    out: format.bytes(traffic.bytes_out),
  });
  return html`
    <span class="caller muted" title=${summary}>
      ${texts.get("last_visitor", {
        address: traffic.last_visitor,
        at: format.recent(traffic.last_call),
      })}
    </span>
  `;
}

function shareSwitch({ page, share, device, wanted, refused, toggle }: ShareRow): TemplateResult {
  const on = wanted ?? share.enabled;
  return html`
    <button
      class="switch"
      role="switch"
      aria-checked=${on}
      aria-busy=${wanted !== undefined}
      aria-label=${page.texts.get("switch_share", { share: share.name, device: device.name })}
      aria-describedby=${refused ? `refused-${share.id}` : nothing}
      @click=${() => toggle(share, !on)}
    ></button>
  `;
}

export function action(
  name: "clock" | "edit" | "delete",
  label: string,
  act: (from: HTMLElement) => void,
): TemplateResult {
  return html`
    <button
      class="icon-button"
      aria-label=${label}
      title=${label}
      @click=${(event: Event) => act(event.currentTarget as HTMLElement)}
    >
      ${icon(name)}
    </button>
  `;
}

function askToDelete(from: HTMLElement, { texts, server }: Page, share: Share): void {
  showDialog(from, {
    kind: "question",
    question: {
      title: texts.get("delete_share_title", { share: share.name }),
      body: texts.get("delete_share_body"),
      items: share.calls,
      yes: texts.get("delete"),
      act: () => server.removeShare(share.id),
      done: texts.get("deleted", { name: share.name }),
    },
  });
}
