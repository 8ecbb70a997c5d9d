import { css } from "lit";

/**
 * The colours and measures of the page, made from Home Assistant's theme.
 *
 * A theme's colours are made for areas. As text they are mixed with the theme's text colour, and
 * below white text they are darkened, so that both can be read in any theme.
 */
export const theme = css`
  :host {
    --text: var(--primary-text-color, #141414);
    --surface: var(--card-background-color, #fff);
    --page: var(--primary-background-color, #fafafa);
    --muted: color-mix(in srgb, var(--secondary-text-color, #5e5e5e) 70%, var(--text));
    --line: var(--divider-color, rgb(0 0 0 / 12%));
    --control-line: color-mix(in srgb, var(--text) 55%, var(--surface));
    --hover: color-mix(in srgb, var(--text) 6%, transparent);
    --accent: var(--primary-color, #009ac7);
    --accent-text: color-mix(in oklab, var(--accent) 50%, var(--text));
    --accent-fill: oklch(from var(--accent) min(l, 0.5) c h);
    --good: var(--success-color, #43a047);
    --good-text: color-mix(in oklab, var(--good) 50%, var(--text));
    --warn: var(--warning-color, #ffa600);
    --warn-text: color-mix(in oklab, var(--warn) 45%, var(--text));
    --bad: var(--error-color, #db4437);
    --bad-text: color-mix(in oklab, var(--bad) 78%, var(--text));
    --bad-fill: oklch(from var(--bad) min(l, 0.5) c h);
    --radius: var(--ha-card-border-radius, 12px);
    --small-radius: 6px;
    --mono: var(--ha-font-family-code, ui-monospace, "Cascadia Mono", "Roboto Mono", monospace);
    color: var(--text);
    font-family: var(--ha-font-family-body, Roboto, system-ui, sans-serif);
    font-size: 14px;
    line-height: 20px;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  * {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  dl,
  dd,
  ol,
  ul {
    margin: 0;
    padding: 0;
  }
  ol,
  ul {
    list-style: none;
  }
  :focus-visible {
    outline: 2px solid var(--accent-text);
    outline-offset: 2px;
  }
  .card {
    background: var(--surface);
    border: var(--ha-card-border-width, 1px) solid var(--ha-card-border-color, var(--line));
    border-radius: var(--radius);
    box-shadow: var(--ha-card-box-shadow, none);
  }
  .muted {
    color: var(--muted);
  }
  .problem {
    color: var(--bad-text);
  }
  .for-screen-readers {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  svg.icon {
    width: 20px;
    height: 20px;
    flex: none;
    fill: currentColor;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after,
    ::backdrop {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
  }
`;

export const buttons = css`
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
  }
  button:disabled,
  button[aria-disabled="true"] {
    cursor: default;
    opacity: 0.55;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-height: 36px;
    padding: 4px 14px;
    border: 1px solid var(--control-line);
    border-radius: 18px;
    background: none;
    font-weight: 500;
    text-align: center;
  }
  .button:hover:not(:disabled) {
    background: var(--hover);
  }
  .button.primary {
    border-color: transparent;
    background: var(--accent-fill);
    color: #fff;
  }
  .button.danger {
    border-color: transparent;
    background: var(--bad-fill);
    color: #fff;
  }
  .button.primary:hover:not(:disabled),
  .button.danger:hover:not(:disabled) {
    filter: brightness(1.1);
  }
  .button.quiet {
    border-color: transparent;
    color: var(--accent-text);
  }
  .button.small {
    min-height: 30px;
    padding: 2px 12px;
  }
  .icon-button {
    display: inline-grid;
    place-items: center;
    width: 36px;
    height: 36px;
    flex: none;
    padding: 0;
    border: 0;
    border-radius: 50%;
    background: none;
    color: var(--muted);
  }
  .icon-button:hover {
    background: var(--hover);
    color: var(--text);
  }
  .switch {
    position: relative;
    width: 40px;
    height: 24px;
    flex: none;
    padding: 0;
    border: 2px solid var(--control-line);
    border-radius: 12px;
    background: none;
    transition: background 0.12s;
  }
  .switch::after {
    content: "";
    position: absolute;
    top: 4px;
    left: 4px;
    width: 12px;
    height: 12px;
    border-radius: 50%;
    background: var(--control-line);
    transition: transform 0.12s;
  }
  .switch[aria-checked="true"] {
    border-color: var(--accent-fill);
    background: var(--accent-fill);
  }
  .switch[aria-checked="true"]::after {
    transform: translateX(16px) scale(1.25);
    background: #fff;
  }
  .switch[aria-busy="true"]::before {
    content: "";
    position: absolute;
    inset: -6px;
    border: 2px solid var(--accent-text);
    border-top-color: transparent;
    border-radius: 18px;
    animation: breathe 0.9s ease-in-out infinite alternate;
  }
  @keyframes breathe {
    from {
      opacity: 0.2;
    }
  }
`;

export const fields = css`
  input:not([type="checkbox"], [type="radio"]),
  select,
  textarea {
    width: 100%;
    min-height: 40px;
    padding: 8px 12px;
    border: 1px solid var(--control-line);
    border-radius: var(--small-radius);
    background: var(--surface);
    color: var(--text);
    font: inherit;
    font-size: 16px;
  }
  select {
    padding-right: 4px;
  }
  input::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  input[type="checkbox"],
  input[type="radio"] {
    width: 18px;
    height: 18px;
    margin: 0;
    flex: none;
    accent-color: var(--accent-fill);
  }
  [aria-invalid="true"] {
    border-color: var(--bad-text) !important;
    box-shadow: 0 0 0 1px var(--bad-text);
  }
  label.choice {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    min-height: 32px;
  }
  @media (min-width: 600px) {
    input:not([type="checkbox"], [type="radio"]),
    select,
    textarea {
      font-size: 14px;
    }
  }
`;

/** The light that shows a status: its shape says it as well as its colour. */
export const leds = css`
  .led {
    display: inline-block;
    width: 12px;
    height: 12px;
    flex: none;
    border: 2px solid var(--muted);
    border-radius: 50%;
  }
  .led.active {
    border-color: var(--good);
    background: var(--good);
    box-shadow: 0 0 0 3px color-mix(in srgb, var(--good) 22%, transparent);
  }
  .led.warning {
    border-color: var(--warn);
    background: linear-gradient(to top, var(--warn) 50%, transparent 50%);
  }
  .led.problem {
    border-color: var(--bad);
    border-radius: 2px;
    background: var(--bad);
    rotate: 45deg;
  }
`;
