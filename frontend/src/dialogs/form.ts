import { html, nothing, css, type TemplateResult } from "lit";
import type { Texts } from "../i18n/texts";

/** Errors by the field that they belong to. */
export type Errors<Field extends string> = { readonly [F in Field]?: string | undefined };

interface FieldParts {
  /** The control has this id, and is described by `describedBy` of it. */
  readonly id: string;
  readonly label: string;
  readonly hint?: unknown;
  readonly error?: string | undefined;
  readonly control: TemplateResult;
}

/** A label, a control, and below it the hint and what is wrong. */
export function field({ id, label, hint, error, control }: FieldParts): TemplateResult {
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${control} ${notes(id, hint, error)}
    </div>
  `;
}

/** Several controls under one legend. */
export function fieldGroup({ id, label, hint, error, control }: FieldParts): TemplateResult {
  return html`
    <fieldset class="field" id=${id} aria-describedby=${describedBy(id)}>
      <legend>${label}</legend>
      <div class="controls">${control}</div>
      ${notes(id, hint, error)}
    </fieldset>
  `;
}

interface FootParts {
  readonly texts: Texts;
  readonly refused: string | undefined;
  readonly busy: boolean;
  readonly cancel: () => void;
  readonly apply: () => void;
}

/** How a dialog of settings ends: why they were refused, and its two buttons. */
export function foot({ texts, refused, busy, cancel, apply }: FootParts): TemplateResult {
  return html`
    ${refused ? html`<p class="box refused" role="alert">${refused}</p>` : nothing}
    <button slot="actions" class="button quiet" @click=${cancel}>${texts.get("cancel")}</button>
    <button slot="actions" class="button primary" ?disabled=${busy} @click=${apply}>
      ${texts.get(busy ? "applying" : "apply")}
    </button>
  `;
}

export function describedBy(id: string): string {
  return `${id}-hint ${id}-error`;
}

export function isInvalid(error: string | undefined): "true" | "false" {
  return error ? "true" : "false";
}

function notes(id: string, hint: unknown, error: string | undefined): TemplateResult {
  return html`
    <div class="hint" id="${id}-hint">${hint ?? nothing}</div>
    <div class="error" id="${id}-error" aria-live="polite">${error ?? nothing}</div>
  `;
}

export const formStyles = css`
  form {
    display: grid;
    gap: 14px;
  }
  .of {
    margin-bottom: 12px;
    color: var(--muted);
  }
  .part {
    display: grid;
    gap: 14px;
    margin-top: 16px;
    padding-top: 12px;
    border-top: 1px solid var(--line);
  }
  .pair {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(200px, 1fr));
    gap: 14px;
    align-items: start;
  }
  .field {
    display: grid;
    gap: 4px;
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }
  .field > label,
  legend {
    padding: 0;
    font-weight: 500;
  }
  legend {
    margin-bottom: 4px;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 20px;
  }
  .range {
    gap: 8px;
  }
  input.port:not([type="checkbox"]) {
    width: 110px;
  }
  .hint {
    color: var(--muted);
    font-size: 13px;
  }
  .error {
    color: var(--bad-text);
    font-size: 13px;
    overflow-wrap: anywhere;
  }
  .hint:empty,
  .error:empty {
    display: none;
  }
  .box {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 4px 12px;
    padding: 12px;
    border-radius: var(--small-radius);
    overflow-wrap: anywhere;
  }
  .box.warning {
    background: color-mix(in srgb, var(--warn) 16%, var(--surface));
  }
  .box.refused {
    background: color-mix(in srgb, var(--bad) 12%, var(--surface));
  }
  .box > .icon {
    color: var(--warn-text);
    grid-row: span 3;
  }
`;
