import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { call, demo, visit } from "./home.mjs";
import {
  GONE,
  answer,
  button,
  dialog,
  field,
  group,
  overview,
  share,
  switchTo,
  toggle,
} from "./page.mjs";

const HOUR = 3600;

let home, person, page;
before(async () => {
  home = await visit();
  person = await home.person();
});
after(() => home.close());
beforeEach(async () => (page = await person.open()));
afterEach(() => page.close());

/** Let a device ask for a port of its own by NAT-PMP. */
const ask = (device, externalPort, port) =>
  demo("exec", device, "natpmpc", "-a", externalPort, port, "tcp", HOUR);
const permission = (device) =>
  page.getByRole("switch", { name: `Independent port sharing of ${device}` });

test("a device that is permitted opens a port by itself, and the page shows it", async () => {
  await permission("nas").click();
  await group(page, "nas").getByText("has opened none").waitFor();
  assert.match(await ask("nas", 8090, 6881), /Mapped public port 8090/);
  await button(page, "opened 1 port by itself").click();
  const lease = page.locator("tr.lease");
  await lease.getByText("203.0.113.2:8090").waitFor();
  assert.match(await lease.innerText(), /TCP 6881\s+8090[^]*Expires in\s+(1 hr|\d\d min)/);
  assert.equal(await call(8090), "refused", "the device answers: no program listens there");
});

test("a device that asks without permission may be let in from the event log", async () => {
  await page.getByRole("link", { name: "Event log" }).click();
  assert.doesNotMatch(await ask("pi", 22022, 22), /Mapped public port/);
  const request = page.getByRole("listitem").filter({ hasText: "Allow it?" });
  await request.getByRole("button", { name: "Once" }).click();
  await page.getByText("Allowed once").waitFor();
  assert.match(await ask("pi", 22022, 22), /Mapped public port 22022/);
  assert.match(await call(22022), /^SSH-2.0/);
});

test("a share that is opened for a while says how long it still is", async () => {
  await button(page, "Open SSH for a while").click();
  await field(page, "Open").selectOption("15 min");
  await answer(page, "Open");
  await share(page, "SSH").getByText("15 min").waitFor();
  assert.match(await call(2222), /^SSH-2.0/);
});

test("a permission that is not used is taken at once from all who have it", async () => {
  await permission("pi").click();
  await button(page, "Disable independent port sharing").click();
  await dialog(page).getByText("1 device may open ports by itself").waitFor();
  await answer(page, "Disable independent port sharing");
  await page.locator(`[aria-label$="of pi"][aria-checked="false"]`).waitFor();
  assert.equal(await permission("nas").getAttribute("aria-checked"), "true");
});

test("everything is closed by one button", async () => {
  await button(page, "Close everything").click();
  await answer(page, "Close everything");
  await overview(page).getByText(/^0$/).waitFor();
  for (const name of ["Web server", "SSH"])
    assert.equal(await toggle(page, name).getAttribute("aria-checked"), "false");
  await button(page, "opened 1 port by itself").first().waitFor(GONE);
  for (const port of [8080, 2222, 8090, 22022]) assert.equal(await call(port), "no answer");
  await switchTo(page, "Web server", "Active");
  await permission("nas").click();
});
