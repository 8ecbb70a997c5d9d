import { css } from "lit";

/** A text that is copied by a click on it. */
export const copyStyles = css`
  .copy {
    position: relative;
    display: inline-flex;
    align-items: center;
    gap: 6px;
    max-width: 100%;
    min-height: 24px;
    margin-inline-start: -6px;
    padding: 0 6px;
    border: 0;
    border-radius: var(--small-radius);
    background: none;
    text-align: start;
  }
  .copy:hover {
    background: var(--hover);
  }
  .copy code {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-family: var(--mono);
    font-size: 12.5px;
  }
  .copy .icon {
    width: 16px;
    height: 16px;
    color: var(--muted);
  }
`;
