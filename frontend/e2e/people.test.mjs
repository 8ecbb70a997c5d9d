import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { call, command, visit } from "./home.mjs";
import { violations } from "../test/chromium.mjs";
import { pressTabTo } from "../test/keyboard.mjs";
import { GONE, answer, button, dialog, share, switched, toggle } from "./page.mjs";

const PHONES = [
  { width: 360, height: 740 },
  { width: 320, height: 568 },
];

let home;
before(async () => (home = await visit()));
after(() => home.close());

const panel = (page) => page.locator("portshare-panel");

for (const viewport of PHONES)
  test(`a phone of ${viewport.width} pixels shows and does everything without sideways scrolling`, async () => {
    const { width } = viewport;
    const page = await (await home.person({ viewport, isMobile: true, hasTouch: true })).open();
    const fits = async (element) =>
      assert.ok((await element.evaluate((one) => one.scrollWidth)) <= width);
    for (const on of [true, false]) {
      await toggle(page, "SSH").tap();
      await switched(page, "SSH", on).waitFor();
    }
    await fits(panel(page));
    await button(page, "Add device for sharing").tap();
    await dialog(page).getByText("console").waitFor();
    await fits(dialog(page).locator(".content"));
    await page.goBack();
    await dialog(page).waitFor(GONE);
    for (const view of ["log", "picture"]) {
      await page.locator(`a[href="/portshare/${view}"]`).tap();
      await page.locator(`portshare-${view}-view`).waitFor();
      await fits(panel(page));
    }
  });

describe("axe finds nothing to object to", () => {
  for (const colorScheme of ["light", "dark"])
    test(`in Home Assistant's ${colorScheme} theme`, async () => {
      const page = await (await home.person({ colorScheme })).open();
      await share(page, "Web server").waitFor();
      const colour = await panel(page).evaluate((one) => getComputedStyle(one).backgroundColor);
      const isDark = colour.match(/\d+/g).every((part) => Number(part) < 64);
      assert.equal(isDark, colorScheme === "dark", colour);
      assert.deepEqual(await violations(page, panel(page)), []);
      await button(page, "Add device for sharing").click();
      await dialog(page).getByText("console").waitFor();
      assert.deepEqual(await violations(page, panel(page)), []);
      await answer(page, "Cancel");
      for (const view of ["Event log", "Picture"]) {
        await page.getByRole("link", { name: view }).click();
        assert.deepEqual(await violations(page, panel(page)), []);
      }
    });
});

test("a share is added and switched by the keyboard alone", async () => {
  const page = await (await home.person()).open();
  const { keyboard } = page;
  await share(page, "Web server").waitFor();
  await pressTabTo(page, "Add share to pi");
  await keyboard.press("Enter");
  await pressTabTo(page, "Name");
  await keyboard.type("Web");
  await pressTabTo(page, "Port to device");
  await keyboard.type("8000");
  await keyboard.press("Enter");
  await share(page, "Web").getByText("203.0.113.2:8000").waitFor();
  await dialog(page).waitFor(GONE);
  assert.equal(await call(8000), "refused");
  await pressTabTo(page, "Share Web of pi");
  await keyboard.press("Space");
  await switched(page, "Web", false).waitFor();
  assert.equal(await call(8000), "no answer");
  await pressTabTo(page, "Delete Web");
  await keyboard.press("Enter");
  await pressTabTo(page, "Delete");
  await keyboard.press("Enter");
  await share(page, "Web").waitFor(GONE);
});

test("a German user reads German, what the server says as well", async () => {
  const page = await (await home.person({ locale: "de-DE" })).open();
  await page.getByRole("heading", { name: "Portfreigaben" }).waitFor();
  await page.getByText("Verbunden über IPv4 und IPv6").waitFor();
  await button(page, "Freigabe zu pi hinzufügen").click();
  await dialog(page).getByLabel("Anwendung").selectOption("Webserver (HTTP) – TCP 80");
  await dialog(page).getByLabel("Externer Port (IPv4)").fill("8080");
  await page.locator("#external_port-error").getByText("ist vergeben").waitFor();
});

test("a user who is no administrator sees no page, and the server refuses him", async () => {
  const admin = await (await home.person()).open();
  const { user } = await command(admin, "config/auth/create", {
    name: "Guest",
    group_ids: ["system-users"],
  });
  await command(admin, "config/auth_provider/homeassistant/create", {
    user_id: user.id,
    username: "guest",
    password: "guest",
  });
  const page = await (await home.person({ user: "guest" })).open();
  await page.getByRole("link", { name: "Demo", exact: true }).first().waitFor();
  assert.equal(await page.locator('a[href="/portshare"]').count(), 0);
  assert.equal(await panel(page).count(), 0);
  for (const [name, data] of Object.entries({
    subscribe: {},
    log: {},
    hosts: {},
    "share/check": { port: 80 },
    "share/add": { mac: "02:00:5e:00:00:23" },
    "share/update": { share_id: "1" },
    "share/remove": { share_id: "1" },
    "device/add": { mac: "02:00:5e:00:00:23" },
    "device/update": { device_id: "1" },
    "device/remove": { device_id: "1" },
  }))
    assert.equal((await refusal(page, `portshare/${name}`, data)).code, "unauthorized", name);
});

const refusal = (page, type, data) =>
  page.evaluate(
    (message) =>
      document
        .querySelector("home-assistant")
        .hass.callWS(message)
        .then(
          () => ({ code: "accepted" }),
          (refusal) => refusal,
        ),
    { type, ...data },
  );
