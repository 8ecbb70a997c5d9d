// How fast it is with 500 devices and 2,000 shares: printed, not asserted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.mjs";

let browser;
before(async () => (browser = await openBrowser()));
after(() => browser.close());

test("500 devices with 2,000 shares", async (context) => {
  const { page, errors } = await browser.open("many");
  await page.locator("tr.share").first().waitFor();
  const [paint, first] = await page.evaluate(() => [
    performance.getEntriesByName("first-contentful-paint")[0].startTime - started,
    firstRows - started,
  ]);
  await page.waitForFunction(
    () =>
      panel.shadowRoot
        .querySelector("portshare-shares-view")
        .shadowRoot.querySelector("portshare-shares-table")
        .shadowRoot.querySelectorAll("tr.share").length === 2000,
    null,
    { timeout: 30_000 },
  );
  const all = await page.evaluate(() => performance.now() - started);
  const work = await page.evaluate(async () => {
    const view = panel.shadowRoot.querySelector("portshare-shares-view");
    const table = view.shadowRoot.querySelector("portshare-shares-table");
    const settled = async () => {
      do await table.updateComplete;
      while (!(await table.updateComplete));
    };
    const timed = async (act) => {
      const times = [];
      for (let round = 0; round < 11; round++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const start = performance.now();
        act(round);
        await panel.updateComplete;
        await view.updateComplete;
        await settled();
        const scripting = performance.now() - start;
        table.getBoundingClientRect();
        times.push([scripting, performance.now() - start]);
      }
      return times.sort(([a], [b]) => a - b)[5];
    };
    const toggle = table.shadowRoot.querySelector("tr.share .switch");
    const share = Object.values(fake.state.shares)[7];
    const filter = view.shadowRoot.querySelector("input[type=search]");
    const type = (text) => {
      filter.value = text;
      filter.dispatchEvent(new Event("input"));
    };
    return {
      "a click on a switch": await timed(() => toggle.click()),
      "a change from elsewhere": await timed((round) =>
        fake.change({ shares: { [share.id]: { ...share, name: `Name ${round}` } } }),
      ),
      "a filter that finds few": await timed((round) => type(`device 4${round}`)),
      "no filter again": await timed((round) => type(round % 2 ? "device 1" : "")),
    };
  });
  const ms = (time) => `${time.toFixed()} ms`;
  context.diagnostic(`first paint ${ms(paint)}, first rows ${ms(first)}, all rows ${ms(all)}`);
  for (const [what, [scripting, laidOut]] of Object.entries(work))
    context.diagnostic(
      `${what}: ${scripting.toFixed(1)} ms of scripting, ${laidOut.toFixed(1)} ms laid out`,
    );
  assert.deepEqual(errors, []);
});
