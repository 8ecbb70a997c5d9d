import { html, type TemplateResult } from "lit";
import type { Lease } from "../server/contract";
import { PROTOCOLS, isPinhole } from "../format";
import type { Page } from "../page";
import { led, light, statusText } from "../status";
import { callButtons } from "./share-row";

const ASKED_BY: Readonly<Record<string, string>> = {
  pcp: "PCP",
  natpmp: "NAT-PMP",
  upnp: "UPnP",
};

/** What a device has opened by itself: it can be seen here, but only the device changes it. */
export function leaseRow(page: Page, lease: Lease): TemplateResult {
  const { texts } = page;
  const status = statusText(lease, texts);
  const pinhole = isPinhole(lease);
  const visible = lease.status === "active" ? "for-screen-readers" : "status";
  return html`
    <tr role="row" class="lease">
      <th role="rowheader" scope="row" class="application">
        ${led(light(lease), status)}
        <div>
          <span class="name">${lease.description || texts.get("lease_unnamed")}</span>
          <span class=${visible}>${status}</span>
          <span class="muted asked">
            ${texts.get("lease_asked_by", {
              protocols: lease.asked_by.map((each) => ASKED_BY[each] ?? each).join(", "),
            })}
          </span>
        </div>
      </th>
      <td role="cell" class="service" data-label=${texts.get("column_service")}>
        ${PROTOCOLS[lease.protocol]} ${lease.port}
      </td>
      <td role="cell" class="ipv4" data-label=${texts.get("column_ipv4")}>
        ${pinhole ? "–" : lease.external_port}
      </td>
      <td role="cell" class="ipv6" data-label=${texts.get("column_ipv6")}>
        ${pinhole ? lease.port : "–"}
      </td>
      <td role="cell" class="call">${callButtons(page, lease.calls)}</td>
      <td role="cell" class="expires" colspan="2" aria-colspan="2">
        <span class="muted">${texts.get("lease_expires")}</span>
        <portshare-time-left .page=${page} until=${lease.expires}></portshare-time-left>
      </td>
    </tr>
  `;
}
