import { css } from "lit";

export const tableStyles = css`
  :host {
    display: block;
    container-type: inline-size;
    --columns: minmax(180px, 1.3fr) 110px 92px 92px minmax(200px, 1.5fr) 64px 112px;
    --head-top: var(--portshare-head-top, 0px);
  }
  table,
  thead,
  tbody {
    display: block;
  }
  tr {
    display: grid;
    grid-template-columns: var(--columns);
    column-gap: 12px;
    align-items: center;
    padding: 0 16px;
  }
  th,
  td {
    padding: 0;
    min-width: 0;
    font-weight: inherit;
    text-align: start;
  }

  thead {
    position: sticky;
    top: var(--head-top);
    z-index: 1;
    background: var(--page);
    color: var(--muted);
    font-size: 12px;
    line-height: 16px;
  }
  thead tr {
    min-height: 40px;
  }
  thead button {
    display: inline-flex;
    align-items: center;
    gap: 2px;
    margin-inline-start: -6px;
    padding: 6px;
    border: 0;
    border-radius: var(--small-radius);
    background: none;
    font: inherit;
    text-align: start;
  }
  thead button:hover {
    background: var(--hover);
  }
  thead .icon {
    width: 16px;
    height: 16px;
  }
  [aria-sort="descending"] .icon {
    rotate: 180deg;
  }
  thead .on,
  thead .actions,
  .expires {
    text-align: end;
  }

  tbody {
    content-visibility: auto;
    margin-bottom: 12px;
    overflow: hidden;
    background: var(--surface);
    border: var(--ha-card-border-width, 1px) solid var(--ha-card-border-color, var(--line));
    border-radius: var(--radius);
  }
  .device {
    display: block;
    padding: 8px 16px;
  }
  .device th,
  .who,
  .what,
  .address,
  .permission,
  .device .actions {
    display: flex;
    align-items: center;
    gap: 4px 12px;
  }
  .device th {
    flex-wrap: wrap;
    justify-content: space-between;
  }
  .who,
  .what {
    flex-wrap: wrap;
    min-height: 40px;
    min-width: 0;
  }
  .what {
    margin-inline-start: auto;
    justify-content: flex-end;
    font-size: 13px;
  }
  h2 {
    font-size: 16px;
    font-weight: 500;
    overflow-wrap: anywhere;
  }
  .presence {
    display: inline-flex;
    color: var(--muted);
    opacity: 0.6;
  }
  .presence.online {
    color: var(--good-text);
    opacity: 1;
  }
  code {
    font-family: var(--mono);
    font-size: 12.5px;
  }
  .address {
    flex-wrap: wrap;
  }
  .count {
    padding: 1px 8px;
    border-radius: 10px;
    background: color-mix(in srgb, var(--good) 16%, transparent);
    color: var(--good-text);
    font-size: 12px;
    white-space: nowrap;
  }
  .device .actions {
    gap: 0;
  }
  .unfold {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    min-height: 32px;
    padding: 0 8px 0 4px;
    border: 0;
    border-radius: var(--small-radius);
    background: none;
    color: var(--accent-text);
  }
  .unfold:hover {
    background: var(--hover);
  }
  .unfold[aria-expanded="true"] .icon {
    rotate: 180deg;
  }

  .share,
  .lease,
  .none {
    min-height: 44px;
    padding-block: 4px;
    border-top: 1px solid var(--line);
  }
  .none {
    display: block;
    padding-block: 12px;
  }
  .nothing {
    padding: 32px 16px;
    text-align: center;
  }
  .share:hover {
    background: color-mix(in srgb, var(--text) 3%, transparent);
  }
  .lease {
    background: color-mix(in srgb, var(--text) 3%, transparent);
  }
  .application {
    display: flex;
    align-items: center;
    gap: 12px;
  }
  .application > div {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 8px;
    min-width: 0;
  }
  .name {
    font-weight: 500;
    overflow-wrap: anywhere;
  }
  .status,
  .refused,
  .asked,
  .caller {
    flex-basis: 100%;
    font-size: 12px;
    line-height: 16px;
  }
  .status {
    color: var(--muted);
  }
  .refused {
    color: var(--bad-text);
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    padding: 0 8px;
    border-radius: 10px;
    background: var(--hover);
    font-size: 12px;
    white-space: nowrap;
  }
  .chip .icon {
    width: 14px;
    height: 14px;
  }
  .service,
  .ipv4,
  .ipv6 {
    font-variant-numeric: tabular-nums;
  }
  .call {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
  }
  .on {
    display: flex;
    justify-content: flex-end;
  }
  .share .actions {
    display: flex;
    justify-content: flex-end;
  }
  .expires {
    grid-column: span 2;
    font-variant-numeric: tabular-nums;
  }

  @container (max-width: 900px) {
    thead {
      display: none;
    }
    .share,
    .lease {
      grid-template-columns: repeat(3, minmax(0, 1fr)) auto;
      grid-template-areas:
        "application application application on"
        "service ipv4 ipv6 actions"
        "call call call call";
      gap: 4px 12px;
      padding-block: 10px;
    }
    .lease {
      grid-template-areas:
        "application application application application"
        "service ipv4 ipv6 expires"
        "call call call call";
    }
    .share > *,
    .lease > * {
      min-width: 0;
    }
    .application {
      grid-area: application;
    }
    .service {
      grid-area: service;
    }
    .ipv4 {
      grid-area: ipv4;
    }
    .ipv6 {
      grid-area: ipv6;
    }
    .call {
      grid-area: call;
    }
    .on {
      grid-area: on;
    }
    .share .actions {
      grid-area: actions;
    }
    .expires {
      grid-area: expires;
    }
    [data-label] {
      align-self: start;
    }
    [data-label]::before {
      content: attr(data-label);
      display: block;
      color: var(--muted);
      font-size: 12px;
      line-height: 16px;
    }
    .call {
      flex-flow: row wrap;
      column-gap: 12px;
    }
  }
  @container (max-width: 520px) {
    tr,
    .device {
      padding-inline: 12px;
    }
    .share {
      grid-template-areas:
        "application application application on"
        "service ipv4 ipv6 ipv6"
        "call call actions actions";
      grid-template-columns: repeat(2, minmax(0, 1fr)) minmax(44px, 0.6fr) 44px;
    }
    .share .actions {
      align-self: end;
      margin-inline-end: -6px;
    }
    .share .call {
      flex-wrap: nowrap;
      flex-direction: column;
    }
    .lease {
      grid-template-areas:
        "application application application application"
        "service ipv4 ipv6 ipv6"
        "call call call call"
        "expires expires expires expires";
    }
    .expires {
      text-align: start;
    }
    .copy {
      min-height: 32px;
    }
    .what {
      width: 100%;
      justify-content: space-between;
    }
  }
`;
