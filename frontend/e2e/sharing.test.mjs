import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { call, visit } from "./home.mjs";
import { GONE, answer, apply, button, dialog, field, share, switchTo } from "./page.mjs";

const WEB_PAGE = /the web page of nas/;
const NO_ANSWER = "no answer";
/** The device has answered: no program listens at this port of it. */
const REFUSED = "refused";

let home, person, page;
before(async () => {
  home = await visit();
  person = await home.person();
});
after(() => home.close());
beforeEach(async () => (page = await person.open()));
afterEach(() => page.close());

test("a device that is picked is reached from the internet as soon as it is added", async () => {
  await button(page, "Add device for sharing").click();
  await dialog(page).getByText("console").click();
  await field(page, "Name").fill("Game");
  await field(page, "Protocol").selectOption("UDP");
  await field(page, "Port to device").fill("27015");
  await page.getByText("It would get 27015.").waitFor();
  await apply(page);
  await share(page, "Game").getByText("Active").waitFor({ state: "attached" });
  assert.equal(await call(27015, "--udp"), "console 1 hello");
  assert.match(await call(27015, "--udp", "-6", "--to", "console"), /^console \d hello$/);
});

test("a share that is switched off does not answer, and on again it does", async () => {
  assert.match(await call(8080), WEB_PAGE);
  await switchTo(page, "Web server", "Off");
  assert.equal(await call(8080), NO_ANSWER);
  assert.equal(await call(80, "-6"), NO_ANSWER);
  await switchTo(page, "Web server", "Active");
  assert.match(await call(8080), WEB_PAGE);
  assert.match(await call(80, "-6"), WEB_PAGE);
});

test("a share that is edited answers at its new port only", async () => {
  for (const [before, now] of [
    ["8080", "8088"],
    ["8088", "8080"],
  ]) {
    await button(page, "Edit Web server").click();
    await field(page, "External port (IPv4)").fill(now);
    await apply(page);
    await share(page, "Web server").getByText(`203.0.113.2:${now}`).waitFor();
    assert.match(await call(now), WEB_PAGE);
    assert.equal(await call(before), NO_ANSWER);
  }
});

test("a port that is taken is told at its field, and the next free one taken by a click", async () => {
  await button(page, "Add share to pi").click();
  await field(page, "Name").fill("Second");
  await field(page, "Port to device").fill("8000");
  const external = field(page, "External port (IPv4)");
  await external.fill("8080");
  await page.locator("#external_port-error").getByText("8080").waitFor();
  assert.equal(await external.getAttribute("aria-invalid"), "true");
  await button(page, "Use 8081").click();
  assert.equal(await external.inputValue(), "8081");
  await apply(page);
  await share(page, "Second").getByText("203.0.113.2:8081").waitFor();
  assert.equal(await call(8081), REFUSED);
});

test("a share that is deleted is closed", async () => {
  await remove("Second");
  assert.equal(await call(8081), NO_ANSWER);
});

test("a port by which a device is managed is shared only with a confirmation", async () => {
  await button(page, "Add share to pi").click();
  await field(page, "Name").fill("Screen");
  await field(page, "Port to device").fill("5900");
  await dialog(page).getByText("whoever gets in").waitFor();
  await answer(page, "Apply");
  await page.getByText("Confirm it, or change the share.").waitFor();
  assert.equal(await call(5900), NO_ANSWER);
  await field(page, "Yes, I want that").check();
  await apply(page);
  await share(page, "Screen").getByText("203.0.113.2:5900").waitFor();
  assert.equal(await call(5900), REFUSED);
  await remove("Screen");
});

test("a device is deleted after it is said what that closes", async () => {
  await button(page, "Delete console").click();
  assert.deepEqual(await dialog(page).getByRole("listitem").allInnerTexts(), ["Game · UDP 27015"]);
  await answer(page, "Delete");
  await page.getByRole("heading", { name: "console", exact: true }).waitFor(GONE);
  assert.equal(await call(27015, "--udp"), NO_ANSWER);
});

test("the event log says what has happened, and by whom", async () => {
  await page.getByRole("link", { name: "Event log" }).click();
  const entry = page.getByRole("listitem").filter({ hasText: "Game" });
  for (const text of await entry.allInnerTexts()) assert.match(text, /console.*by Demo/s);
  assert.ok((await entry.count()) >= 2, "opened and closed");
  await page.getByLabel("Show").selectOption("nas");
  await entry.first().waitFor(GONE);
  await page.getByText("by Demo").first().waitFor();
});

async function remove(name) {
  await button(page, `Delete ${name}`).click();
  await answer(page, "Delete");
  await share(page, name).waitFor(GONE);
}
