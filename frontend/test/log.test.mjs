import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { openBrowser } from "./browser.mjs";

let browser, page, context, errors;
before(async () => (browser = await openBrowser()));
after(() => browser.close());
afterEach(async () => {
  await context.close();
  assert.deepEqual(errors, []);
});
const open = async (query) => ({ page, context, errors } = await browser.open(query));
const entries = () => page.getByRole("listitem").allInnerTexts();

describe("the event log", () => {
  test("has the newest entry first, with who did it", async () => {
    await open("view=log");
    await page.getByText("by Ben").waitFor();
    assert.match((await entries())[0], /NAS\s+“SSH and SFTP”[^]*by Ben/);
  });

  test("is live, and has nothing twice", async () => {
    await open("view=log");
    await page.getByText("by Ben").waitFor();
    const before = (await entries()).length;
    await page.evaluate(() => {
      const last = fake.state.log.at(-1);
      const news = { ...last, at: new Date().toISOString(), message: "“Web” was closed" };
      for (const tell of fake.subscribers) tell({ changes: { log: [last, news] } });
    });
    await page.getByText("“Web” was closed").waitFor();
    assert.equal((await entries()).length, before + 1);
  });

  test("can show one device", async () => {
    await open("view=log");
    await page.getByLabel("Show").selectOption("PlayStation");
    assert.equal((await entries()).length, 1);
    await page.getByLabel("Show").selectOption("Workshop PC");
    await page.getByText("Nothing has happened to this device yet.").waitFor();
  });

  for (const [answer, call, said] of [
    ["Once", ["portshare.approve_request", { always: false }], "Allowed once"],
    ["Always", ["portshare.approve_request", { always: true }], "Allowed always"],
    ["No", ["portshare.deny_request", {}], "Denied"],
  ])
    test(`answers a request with “${answer}”`, async () => {
      await open("view=log");
      await page.getByRole("button", { name: answer, exact: true }).click();
      await page.getByText(said).waitFor();
      const [service, data] = call;
      const expected = [[service, { request_id: "request1", ...data }]];
      assert.deepEqual(await page.evaluate(() => fake.calls), expected);
    });
});

describe("the picture", () => {
  const lines = () => page.locator("svg.map .line");

  test("has a line for everything that is shared", async () => {
    await open("view=picture");
    await lines().first().waitFor();
    assert.equal(await lines().count(), 12);
    assert.equal(await page.locator(".line.problem").count(), 2);
  });

  test("draws thicker what has carried more, and follows the changes", async () => {
    await open("view=picture");
    const width = async (name) =>
      Number(await lines().filter({ hasText: name }).locator("path").getAttribute("stroke-width"));
    await lines().first().waitFor();
    assert.ok((await width("Syncthing")) > (await width("WireGuard")));
    await page.evaluate(() =>
      fake.change({ traffic: { vpn: { ...fake.state.traffic.web, bytes_out: 9e12 } } }),
    );
    await page.evaluate(() => new Promise(requestAnimationFrame));
    assert.ok((await width("WireGuard")) > (await width("Syncthing")));
  });
});
