import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, service, visit } from "./home.mjs";
import { GONE, share, switchTo, switched } from "./page.mjs";

const PATIENCE = { timeout: 60_000 };

let home;
before(async () => (home = await visit()));
after(() => home.close());

test("after a restart of Home Assistant the page goes on by itself", async () => {
  const page = await (await home.person()).open();
  await share(page, "Web server").waitFor();
  // The connection ends before there is an answer.
  service(page, "homeassistant", "restart").catch(() => {});
  const interrupted = page.getByText("The connection to Home Assistant is interrupted.");
  await interrupted.waitFor(PATIENCE);
  await interrupted.waitFor({ ...GONE, ...PATIENCE });
  await switched(page, "Web server", true).waitFor(PATIENCE);
  await share(page, "Web server").getByText("Active").waitFor({ state: "attached" });
  await switchTo(page, "SSH", "Active");
  assert.match(await call(2222), /^SSH-2.0/);
  await switchTo(page, "SSH", "Off");
  assert.equal(await call(2222), "no answer");
});
