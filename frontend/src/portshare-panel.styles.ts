import { css } from "lit";

const headerHeight = css`var(--header-height, 56px)`;

export const panelStyles = css`
  :host {
    display: block;
    min-height: 100vh;
    background: var(--page);
    --portshare-head-top: ${headerHeight};
  }
  header {
    position: sticky;
    top: 0;
    z-index: 2;
    display: flex;
    align-items: center;
    gap: 4px;
    height: ${headerHeight};
    padding: 0 12px;
    background: var(--sidebar-background-color, #fff);
    color: var(--sidebar-text-color, #212121);
    border-bottom: 1px solid var(--line);
  }
  header .icon-button {
    color: inherit;
  }
  h1 {
    flex: 1;
    margin-inline-start: 8px;
    overflow: hidden;
    font-size: 20px;
    font-weight: 400;
    line-height: 28px;
    text-overflow: ellipsis;
    white-space: nowrap;
    outline: none;
  }
  nav {
    display: flex;
    align-self: stretch;
  }
  nav a {
    display: flex;
    align-items: center;
    padding: 0 14px;
    border-block: 3px solid transparent;
    color: inherit;
    font-weight: 500;
    text-decoration: none;
    white-space: nowrap;
  }
  nav a:hover {
    background: color-mix(in srgb, currentColor 8%, transparent);
  }
  nav a[aria-current] {
    border-bottom-color: var(--accent);
  }
  header :focus-visible {
    outline-color: currentColor;
    outline-offset: -3px;
  }
  main {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 16px;
    max-width: 1280px;
    margin: 0 auto;
    padding: 16px;
  }
  .absent {
    padding: 48px 24px;
    text-align: center;
  }
  .disconnected {
    padding: 10px 16px;
    border-radius: var(--small-radius);
    background: color-mix(in srgb, var(--warn) 20%, var(--surface));
  }
  .told {
    position: fixed;
    z-index: 3;
    inset: auto 16px 16px;
    display: flex;
    justify-content: center;
    pointer-events: none;
  }
  .told p {
    padding: 10px 18px;
    border-radius: 20px;
    background: var(--text);
    color: var(--surface);
    overflow-wrap: anywhere;
  }
  @media (max-width: 600px) {
    header {
      flex-wrap: wrap;
      height: auto;
      min-height: ${headerHeight};
      padding: 0;
    }
    header .icon-button {
      margin: 10px 0 10px 8px;
    }
    h1 {
      line-height: 56px;
      margin-inline-start: 16px;
    }
    nav {
      width: 100%;
      height: 44px;
    }
    nav a {
      flex: 1;
      justify-content: center;
      padding: 0 4px;
    }
    main {
      padding: 12px 8px;
    }
  }
`;
