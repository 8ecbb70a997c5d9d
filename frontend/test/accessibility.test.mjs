import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { violations } from "./chromium.mjs";

let browser;
before(async () => (browser = await openBrowser()));
after(() => browser.close());

const PLACES = {
  "the table": async (page) => page.getByRole("button", { name: "opened 3 ports" }).click(),
  "the event log": async (page) => page.getByRole("link", { name: "Event log" }).click(),
  "the picture": async (page) => page.getByRole("link", { name: "Picture" }).click(),
  "a question": async (page) => page.getByRole("button", { name: "Delete NAS" }).click(),
  "a new device": async (page) => {
    await page.getByRole("button", { name: "Add device for sharing" }).click();
    await page.getByText("Printer in the study").click();
  },
  "a share with an error and unsaved changes": async (page) => {
    await page.getByRole("button", { name: "Edit Syncthing" }).click();
    await page.getByLabel("External port").fill("8443");
    await page.getByRole("button", { name: "Use 8444" }).waitFor();
    await page.getByText("Only these addresses").click();
    await page.keyboard.press("Escape");
  },
  "a share that needs confirmation": async (page) => {
    await page.getByRole("button", { name: "Add share to NAS" }).click();
    await page.getByLabel("Port to device", { exact: true }).fill("8123");
    await page.getByText("Yes, I want that").waitFor();
  },
  "a switch that was refused": async (page) => {
    await page.evaluate(() => (fake.refusal = { code: "home_assistant_error", message: "No." }));
    await page.getByRole("switch", { name: "Share BitTorrent of NAS" }).click();
    await page.getByRole("alert").waitFor();
  },
  "opening for a while": async (page) =>
    page.getByRole("button", { name: "Open BitTorrent for a while" }).click(),
};

describe("axe finds nothing to object to", () => {
  for (const [theme, query] of Object.entries({ light: "", dark: "dark" }))
    for (const [place, go] of Object.entries(PLACES))
      test(`in ${place}, ${theme}`, async () => {
        const { page, context } = await browser.open(query, { reducedMotion: "reduce" });
        await go(page);
        assert.deepEqual(await violations(page), []);
        await context.close();
      });

  for (const query of ["empty", "guest"])
    test(`in the page that is ${query}`, async () => {
      const { page, context } = await browser.open(query);
      await page.getByText(/Nothing is shared yet|Only administrators/).waitFor();
      assert.deepEqual(await violations(page), []);
      await context.close();
    });

  test("on a phone", async () => {
    const { page, context } = await browser.open("", { viewport: { width: 320, height: 640 } });
    await page.getByText("Syncthing").waitFor();
    assert.deepEqual(await violations(page), []);
    await context.close();
  });
});
