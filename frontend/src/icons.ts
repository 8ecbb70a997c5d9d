import { svg, html, type TemplateResult } from "lit";

/** Outlines on a grid of 24, drawn for this page. */
const PATHS = {
  menu: "M3 6h18v2H3zM3 11h18v2H3zM3 16h18v2H3z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  edit: "M4 20v-4L15 5l4 4L8 20zM16.4 3.6l1.5-1.5 4 4-1.5 1.5z",
  delete: "M9 3h6l1 2h4v2H4V5h4zM6 9h12l-1 12H7zM10 11v8h1.5v-8zM13 11v8h1.5v-8z",
  copy: "M8 3h11v13h-2V5H8zM5 7h10v14H5zM7 9v10h6V9z",
  clock:
    "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zm0 2a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm-1 2h2v4.6l3 1.8-1 1.7-4-2.4z",
  close:
    "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  search:
    "M10 4a6 6 0 0 1 4.7 9.7l5 5-1.4 1.4-5-5A6 6 0 1 1 10 4zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  unfold: "M6.4 8.5 12 14l5.6-5.5L19 10l-7 7-7-7z",
  up: "M12 5l6 6-1.4 1.4L13 8.8V19h-2V8.8l-3.6 3.6L6 11z",
  warning: "M12 3 23 21H1zm0 4L4.5 19h15zm-1 4h2v4h-2zm0 5h2v2h-2z",
  device: "M4 4h16v11H4zm2 2v7h12V6zM2 17h20v2H2z",
  lock: "M12 2a5 5 0 0 1 5 5v3h2v11H5V10h2V7a5 5 0 0 1 5-5zm0 2a3 3 0 0 0-3 3v3h6V7a3 3 0 0 0-3-3z",
} as const;

export type Icon = keyof typeof PATHS;

export function icon(name: Icon): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    ${svg`<path fill-rule="evenodd" d=${PATHS[name]}></path>`}
  </svg>`;
}
