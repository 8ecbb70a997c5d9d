// What a person does who has no mouse.
import assert from "node:assert/strict";

/** The accessible name of what has the focus, through all shadow roots. */
export const nameOfFocused = (page) =>
  page.evaluate(() => {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    const label = active?.id && active.getRootNode().querySelector(`label[for="${active.id}"]`);
    return (active?.ariaLabel ?? label?.textContent ?? active?.textContent ?? "").trim();
  });

export async function pressTabTo(page, name) {
  for (let presses = 0; presses < 150; presses++) {
    await page.keyboard.press("Tab");
    if ((await nameOfFocused(page)) === name) return;
  }
  assert.fail(`“${name}” cannot be reached with the Tab key`);
}
