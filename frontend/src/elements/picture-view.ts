import { LitElement, css, html, nothing, svg } from "lit";
import { property, state } from "lit/decorators.js";
import { element } from "../element";
import { PROTOCOLS, ports } from "../format";
import { grouped, open } from "../list";
import type { Page } from "../page";
import type { Lease, Share, State } from "../server/contract";
import { light, statusText } from "../status";
import { leds, theme } from "../styles";
import { mapLayout, type Box, type DeviceBox, type Line } from "./map-layout";

const DEVICES = 40;

/** A map: internet, gateway, devices, and the shares as lines between them. */
@element("portshare-picture-view")
export class PictureView extends LitElement {
  static override styles = [
    theme,
    leds,
    css`
      :host {
        display: grid;
        gap: 16px;
        grid-template-columns: minmax(0, 1fr);
      }
      .card {
        padding: 8px;
        overflow: hidden;
      }
      .card > p {
        padding: 24px 16px;
        text-align: center;
      }
      svg.map {
        display: block;
        width: 100%;
      }
      rect {
        fill: color-mix(in srgb, var(--text) 4%, var(--surface));
        stroke: var(--line);
      }
      .node rect {
        fill: color-mix(in srgb, var(--accent) 12%, var(--surface));
        stroke: color-mix(in srgb, var(--accent) 50%, var(--surface));
      }
      .node.down rect {
        fill: color-mix(in srgb, var(--warn) 14%, var(--surface));
        stroke: var(--warn);
      }
      text {
        fill: var(--text);
        font-size: 13px;
      }
      .heading {
        font-weight: 500;
      }
      .small {
        fill: var(--muted);
        font-size: 12px;
        font-variant-numeric: tabular-nums;
      }
      path {
        fill: none;
        stroke: var(--muted);
        stroke-linecap: round;
      }
      .active path {
        stroke: var(--good);
      }
      .warning path {
        stroke: var(--warn);
        stroke-dasharray: 6 5;
      }
      .problem path {
        stroke: var(--bad);
        stroke-dasharray: 2 5;
      }
      .off path {
        opacity: 0.45;
        stroke-dasharray: 1 6;
      }
      circle {
        stroke: none;
        fill: var(--muted);
      }
      .active circle {
        fill: var(--good);
      }
      .warning circle {
        fill: var(--warn);
      }
      .problem circle {
        fill: var(--bad);
      }
      .line:hover path {
        filter: brightness(1.25);
        stroke-dasharray: none;
        opacity: 1;
      }
      .line:hover .small {
        fill: var(--text);
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
      }
      li {
        display: inline-flex;
        align-items: center;
        gap: 8px;
      }
    `,
  ];

  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) state!: State;

  @state() private width = 0;
  private readonly observer = new ResizeObserver(([entry]) => {
    this.width = Math.floor(entry!.contentRect.width) - 18;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.observer.disconnect();
  }

  override render() {
    const { texts } = this.page;
    const names = new Intl.Collator(texts.language, { numeric: true });
    const wish = {
      filter: "",
      devices: "open",
      shares: { column: "ipv4", descending: false },
    } as const;
    const groups = grouped(this.state, wish, names).filter(
      (group) => group.shares.length || group.leases.length,
    );
    if (!groups.length)
      return html`<section class="card"><p>${texts.get("picture_empty")}</p></section>`;
    const more = groups.length - DEVICES;
    return html`
      <section class="card" aria-label=${texts.get("picture_title")}>
        ${this.width > 0 ? this.map(groups.slice(0, DEVICES), groups.length) : nothing}
        ${more > 0 ? html`<p class="muted">${texts.count("picture_more", more)}</p>` : nothing}
      </section>
      ${this.legend()}
    `;
  }

  private map(groups: ReturnType<typeof grouped>, total: number) {
    const { texts } = this.page;
    const { gateway } = this.state;
    const layout = mapLayout(groups, this.state.traffic, this.width);
    const nameOfGateway = gateway.name === texts.get("gateway") ? "" : gateway.name;
    const summary = [
      texts.get("picture_title"),
      texts.count("picture_summary", total),
      texts.count("ports_open", gateway.open_ports),
    ].join(". ");
    return html`
      <svg
        class="map"
        role="img"
        aria-label=${summary}
        viewBox="0 0 ${layout.width} ${layout.height}"
      >
        ${layout.devices.map((box) => this.device(box))}
        ${this.node(layout.internet, texts.get("internet"), gateway.external_ipv4 ?? "")}
        ${this.node(layout.gateway, texts.get("gateway"), nameOfGateway)}
      </svg>
    `;
  }

  private node(box: Box, name: string, detail: string) {
    const x = box.x + box.width / 2;
    const y = box.y + box.height / 2;
    return svg`
      <g class="node ${this.state.gateway.internet.length ? "" : "down"}">
        <rect x=${box.x} y=${box.y} width=${box.width} height=${box.height} rx="12"></rect>
        <text class="heading" text-anchor="middle" x=${x} y=${y + (detail ? -3 : 5)}>${name}</text>
        <text class="small" text-anchor="middle" x=${x} y=${y + 15}>${cut(detail, 15)}</text>
      </g>
    `;
  }

  private device(box: DeviceBox) {
    const { texts } = this.page;
    const { group } = box;
    const name = group.device?.name ?? group.id;
    const characters = Math.floor((box.width - 24) / 7);
    const after = box.y + box.height - 12;
    return svg`
      <g>
        <rect x=${box.x} y=${box.y} width=${box.width} height=${box.height} rx="8"></rect>
        <text class="heading" x=${box.x + 16} y=${box.y + 21}>
          ${cut(name, characters)}
          <title>${name}: ${texts.count("ports_open", open(group))}</title>
        </text>
        ${box.lines.map((line) => this.line(line, characters))}
        ${
          box.rest
            ? svg`<text class="small" x=${box.x + 16} y=${after}>
                ${texts.get("picture_rest", { count: box.rest })}
              </text>`
            : nothing
        }
      </g>
    `;
  }

  private line({ one, path, x, y, width }: Line, characters: number) {
    const { texts, format } = this.page;
    const traffic = this.state.traffic[one.id];
    const carried =
      traffic &&
      texts.get("traffic", {
        connections: format.number(traffic.connections),
        in: format.bytes(traffic.bytes_in),
        out: format.bytes(traffic.bytes_out),
      });
    const what = [nameOf(one), statusText(one, texts), ...one.calls, carried].filter(Boolean);
    return svg`
      <g class="line ${light(one)}">
        <path d=${path} stroke-width=${width}></path>
        <circle cx=${x} cy=${y} r=${Math.max(4, width / 2 + 2)}></circle>
        <text class="small" x=${x + 16} y=${y + 4}>${cut(nameOf(one), characters)}</text>
        <title>${what.join("\n")}</title>
      </g>
    `;
  }

  private legend() {
    const { texts } = this.page;
    const entry = (which: string, text: string) =>
      html`<li><span class="led ${which}"></span>${text}</li>`;
    const hasTraffic = Object.keys(this.state.traffic).length > 0;
    return html`
      <ul aria-label=${texts.get("picture_legend")} class="muted">
        ${entry("active", texts.get("picture_active"))}
        ${entry("warning", texts.get("picture_problem"))} ${entry("off", texts.get("picture_off"))}
        ${hasTraffic ? html`<li>${texts.get("picture_traffic")}</li>` : nothing}
      </ul>
    `;
  }
}

function nameOf(one: Share | Lease): string {
  const isShare = "name" in one;
  const name = isShare ? one.name : one.description;
  const port = isShare ? ports(one.external_port ?? one.port, null) : `${one.external_port}`;
  return [name, [PROTOCOLS[one.protocol], port].filter(Boolean).join(" ")]
    .filter(Boolean)
    .join(" · ");
}

function cut(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters - 1)}…` : text;
}
