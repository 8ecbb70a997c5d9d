import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { nameOfFocused, pressTabTo } from "./keyboard.mjs";

let browser, page, context, errors;
before(async () => (browser = await openBrowser()));
after(() => browser.close());
beforeEach(async () => {
  ({ page, context, errors } = await browser.open());
  await page.getByText("Syncthing").waitFor();
});
afterEach(async () => {
  await context.close();
  assert.deepEqual(errors, []);
});

const focused = () => nameOfFocused(page);
const tabTo = (name) => pressTabTo(page, name);

test("a share is switched by the keyboard alone", async () => {
  await tabTo("Share BitTorrent of NAS");
  await page.keyboard.press("Space");
  await page.waitForFunction(() => fake.state.shares.torrent.enabled);
  assert.equal(await focused(), "Share BitTorrent of NAS");
});

test("a share is added by the keyboard alone, and the focus goes back", async () => {
  await tabTo("Add share to NAS");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.waitForFunction(() => panel.shadowRoot.querySelector("portshare-share-dialog"));
  await tabTo("Name");
  await page.keyboard.type("Game");
  await tabTo("Port to device");
  await page.keyboard.type("7777");
  await page.keyboard.press("Enter");
  await page.getByText("“Game” is saved.").waitFor();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "Add share to NAS");
});

test("a device is picked by the keyboard alone", async () => {
  await tabTo("Add device for sharing");
  await page.keyboard.press("Enter");
  await page.getByText("Printer in the study").waitFor();
  await page.keyboard.type("cam");
  await page.getByText("Printer in the study").waitFor({ state: "detached" });
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  assert.ok(await page.getByRole("radio", { name: /Camera/ }).isChecked());
});

test("a question begins at the harmless answer, and Escape is no", async () => {
  await tabTo("Delete Syncthing");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.waitForFunction(() => panel.shadowRoot.querySelector("portshare-question-dialog"));
  assert.equal(await focused(), "Cancel");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "Delete Syncthing");
});

test("the focus is not lost with what it was on", async () => {
  await tabTo("Delete Syncthing");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  await page.getByText("Syncthing is deleted.").waitFor();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "Port sharing");
});

test("Home Assistant's shortcuts do not hear what is typed in a field or a dialog", async () => {
  await page.evaluate(() => {
    window.heard = [];
    addEventListener("keydown", (event) => heard.push(event.key));
  });
  await page.keyboard.press("c");
  await page.getByRole("searchbox").press("a");
  await page.getByLabel("Sort devices by").press("e");
  await page.getByRole("button", { name: "Add share to NAS" }).click();
  await page.getByLabel("Application").press("m");
  await page.getByRole("button", { name: "Apply" }).press("d");
  assert.deepEqual(await page.evaluate(() => heard), ["c"]);
});

test("the views are links, and the browser's back button goes back", async () => {
  await tabTo("Event log");
  await page.keyboard.press("Enter");
  await page.getByText("Camera").waitFor();
  assert.match(page.url(), /\/portshare\/log$/);
  await page.goBack();
  await page.getByText("Syncthing").waitFor();
});
