import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, demo, service, visit } from "./home.mjs";
import { overview, share, switchTo, switched, toggle } from "./page.mjs";

let home, one, other;
before(async () => {
  home = await visit();
  one = await (await home.person()).open();
  other = await (await home.person()).open();
  for (const page of [one, other]) await share(page, "Web server").waitFor();
});
after(() => home.close());

test("two browsers side by side show the same, whoever changes it", async () => {
  await switchTo(one, "SSH", "Active");
  await switched(other, "SSH", true).waitFor();
  await switchTo(other, "SSH", "Off");
  await switched(one, "SSH", false).waitFor();
});

test("what is changed elsewhere shows at once", async (context) => {
  for (const on of [false, true]) {
    const seen = Promise.all([seenAt(one, on), seenAt(other, on)]);
    const asked = Date.now();
    await service(one, "switch", on ? "turn_on" : "turn_off", {
      entity_id: "switch.nas_web_server",
    });
    const took = (await seen).map((at) => at - asked);
    context.diagnostic(`switched ${on ? "on" : "off"}, seen after ${took.join(" and ")} ms`);
  }
});

test("an interruption of the internet shows while it lasts", async () => {
  await overview(one).getByText("Connected over IPv4 and IPv6").waitFor();
  await demo("cable", "wan", "down");
  for (const page of [one, other]) {
    await overview(page).getByText("No internet connection").waitFor();
    await share(page, "Web server").getByText("No internet connection").waitFor();
  }
  await demo("cable", "wan", "up");
  for (const page of [one, other]) {
    await overview(page).getByText("Connected over IPv4 and IPv6").waitFor();
    await share(page, "Web server").getByText("Active").waitFor({ state: "attached" });
  }
  assert.match(await call(8080), /the web page of nas/);
});

/** When the switch of the web server is seen to be on or off. */
const seenAt = (page, on) =>
  toggle(page, "Web server").evaluate(
    (element, wanted) =>
      new Promise((resolve) => {
        const look = () =>
          element.ariaChecked === wanted ? resolve(Date.now()) : requestAnimationFrame(look);
        look();
      }),
    `${on}`,
  );
