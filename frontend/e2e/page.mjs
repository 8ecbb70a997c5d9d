// What tests look for in the page.
export const GONE = { state: "detached" };

export const group = (page, name) =>
  page.locator("tbody").filter({ has: page.getByRole("heading", { name, exact: true }) });
export const share = (page, name) =>
  page.locator("tr.share").filter({ has: page.getByText(name, { exact: true }) });
export const toggle = (page, name) => share(page, name).getByRole("switch");
export const switched = (page, name, on) =>
  share(page, name).locator(`[role="switch"][aria-checked="${on}"]`);
export const button = (page, name) => page.getByRole("button", { name, exact: true });
export const overview = (page) => page.getByRole("region", { name: "At a glance" });

// What stands in a dialog is slotted into it: Playwright looks for it in the frame.
export const dialog = (page) => page.locator("portshare-dialog");
export const field = (page, name) => dialog(page).getByLabel(name, { exact: true });
export const answer = (page, name) =>
  dialog(page).getByRole("button", { name, exact: true }).click();

/** Save what stands in the dialog, and wait until that is done. */
export async function apply(page) {
  await answer(page, "Apply");
  await dialog(page).waitFor(GONE);
}

/** Switch a share, and wait until it is in the state that is told by these words. */
export async function switchTo(page, name, words) {
  await toggle(page, name).click();
  await share(page, name).getByText(words).waitFor({ state: "attached" });
}
