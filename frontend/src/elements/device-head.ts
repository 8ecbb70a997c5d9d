import { html, nothing, type TemplateResult } from "lit";
import type { Device } from "../server/contract";
import { icon } from "../icons";
import { open, type Group } from "../list";
import { showDialog, type Page } from "../page";
import { action, serviceText } from "./share-row";

interface DeviceHead {
  readonly page: Page;
  readonly group: Group;
  readonly isUnfolded: boolean;
  readonly wanted: boolean | undefined;
  readonly refused: string | undefined;
  readonly permit: (device: Device, permitted: boolean) => void;
  readonly unfold: () => void;
}

/** The first row of a device: what it is, and its permission to open ports by itself. */
export function deviceHead(head: DeviceHead): TemplateResult {
  const { page, group, refused } = head;
  const { device } = group;
  return html`
    <tr role="row" class="device" data-device=${group.id}>
      <th role="rowheader" scope="rowgroup" colspan="7" aria-colspan="7">
        <div class="who">
          ${device ? presence(page, device) : nothing}
          <h2>${device?.name ?? group.id}</h2>
          ${device ? addresses(page, device) : unknownDevice(page)} ${openPorts(page, group)}
        </div>
        <div class="what">
          ${leasesButton(head)} ${device ? permission(head, device) : nothing}
          ${device ? actions(page, device, group) : nothing}
        </div>
        ${refused ? html`<p class="refused" role="alert">${refused}</p>` : nothing}
      </th>
    </tr>
  `;
}

function presence({ texts }: Page, device: Device): TemplateResult {
  const text = texts.get(device.online ? "online" : "offline");
  return html`
    <span class="presence ${device.online ? "online" : ""}" title=${text}>
      ${icon("device")}<span class="for-screen-readers">${text}</span>
    </span>
  `;
}

function addresses({ texts }: Page, device: Device): TemplateResult {
  const [ipv6, ...more] = device.ipv6;
  const all = [device.ipv4, ...device.ipv6, device.mac].filter(Boolean).join("\n");
  if (!device.ipv4 && !ipv6)
    return html`<span class="address muted" title=${all}>${texts.get("no_address")}</span>`;
  return html`
    <span class="address muted" title=${all}>
      ${device.ipv4 ? html`<code>${device.ipv4}</code>` : nothing}
      ${ipv6 ? html`<code>${ipv6}</code>` : nothing}
      ${more.length ? texts.get("more_addresses", { count: more.length }) : nothing}
    </span>
  `;
}

function unknownDevice({ texts }: Page): TemplateResult {
  return html`<span class="muted">${texts.get("device_of_lease_unknown")}</span>`;
}

function openPorts({ texts }: Page, group: Group) {
  const count = open(group);
  return count ? html`<span class="count">${texts.count("ports_open", count)}</span>` : nothing;
}

function leasesButton({ page: { texts }, group, isUnfolded, unfold }: DeviceHead) {
  const { device, leases } = group;
  if (!leases.length)
    return device?.independent
      ? html`<span class="muted">${texts.get("leases_none")}</span>`
      : nothing;
  return html`
    <button class="unfold" aria-expanded=${isUnfolded} @click=${unfold}>
      ${icon("unfold")}${texts.count("leases", leases.length)}
    </button>
  `;
}

function permission({ page: { texts }, wanted, permit }: DeviceHead, device: Device) {
  const permitted = wanted ?? device.independent;
  return html`
    <span class="permission">
      <span aria-hidden="true">${texts.get("independent")}</span>
      <button
        class="switch"
        role="switch"
        aria-checked=${permitted}
        aria-busy=${wanted !== undefined}
        aria-label=${texts.get("independent_of", { device: device.name })}
        @click=${() => permit(device, !permitted)}
      ></button>
    </span>
  `;
}

function actions(page: Page, device: Device, group: Group): TemplateResult {
  const { texts } = page;
  const label = texts.get("add_share_to", { device: device.name });
  return html`
    <span class="actions">
      <button
        class="button quiet small"
        aria-label=${label}
        @click=${(event: Event) =>
          showDialog(event.currentTarget as HTMLElement, { kind: "share", device })}
      >
        ${icon("plus")}${texts.get("add_share")}
      </button>
      ${action("edit", texts.get("edit_device", { device: device.name }), (from) =>
        showDialog(from, { kind: "device", device }),
      )}
      ${action("delete", texts.get("delete_device", { device: device.name }), (from) =>
        askToDelete(from, page, device, group),
      )}
    </span>
  `;
}

function askToDelete(from: HTMLElement, page: Page, device: Device, group: Group): void {
  const { texts, server } = page;
  const { all, leases } = group;
  showDialog(from, {
    kind: "question",
    question: {
      title: texts.get("delete_device_title", { device: device.name }),
      body: all.length
        ? texts.count("delete_device_body", all.length)
        : texts.get("delete_device_no_shares"),
      items: all.map((share) => `${share.name} · ${serviceText(page, share)}`),
      ...(leases.length ? { footnote: texts.get("delete_device_leases") } : {}),
      yes: texts.get("delete"),
      act: () => server.removeDevice(device.id),
      done: texts.get("deleted", { name: device.name }),
    },
  });
}
