import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { openBrowser } from "./browser.mjs";

let browser, page, context, errors;
before(async () => (browser = await openBrowser()));
after(() => browser.close());
afterEach(async () => {
  await context.close();
  assert.deepEqual(errors, []);
});

const open = async (query, options) => {
  ({ page, context, errors } = await browser.open(query, options));
};
const share = (name) => page.getByRole("row", { name });
const GONE = { state: "detached" };
const calls = () => page.evaluate(() => fake.calls);
const change = (changes) => page.evaluate((changes) => fake.change(changes), changes);
const current = (kind, id) => page.evaluate(([kind, id]) => fake.state[kind][id], [kind, id]);

describe("the table", () => {
  beforeEach(() => open());

  test("shows of a share all that a caller and its owner need", async () => {
    const row = share("Web server (HTTPS)").first();
    const cells = await row.getByRole("cell").allInnerTexts();
    assert.deepEqual(cells.slice(0, 3), ["TCP 443", "8443", "443"]);
    assert.match(await row.getByRole("rowheader").innerText(), /Active/);
    assert.ok(await row.getByText("home.example.org:8443").isVisible());
  });

  test("says why a share is not open", async () => {
    for (const [name, why] of [
      ["Mail server", "Another firewall on the gateway blocks callers"],
      ["Remote desktop", "Device has no address now"],
      ["WireGuard", "Open, but nobody answers at the device"],
    ])
      assert.ok(await share(name).getByText(why).isVisible(), name);
  });

  test("shows how long a share that was opened for a while stays open", async () => {
    assert.ok(
      await share("SSH and SFTP")
        .getByText(/^4[23] min$/)
        .isVisible(),
    );
  });

  test("unfolds what a device has opened by itself", async () => {
    assert.equal(await page.getByText("PSN voice").count(), 0);
    await page.getByRole("button", { name: "opened 3 ports by itself" }).click();
    assert.match(await share("PSN voice").innerText(), /UDP 3074[^]*Expires in/);
    assert.ok(
      await share("PSN voice")
        .getByText(/^1 hr 3\d min$/)
        .isVisible(),
    );
  });

  test("copies a call string, and says so", async () => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "home.example.org:8443" }).first().click();
    assert.equal(
      await page.evaluate(() => navigator.clipboard.readText()),
      "home.example.org:8443",
    );
    await page.getByText("Copied: home.example.org:8443").waitFor();
  });

  test("filters by device, application, port and address", async () => {
    const filter = page.getByRole("searchbox", { name: "Filter" });
    for (const [text, device, rows] of [
      ["nas", "NAS", 4],
      ["wireguard", "Raspberry Pi", 1],
      ["nas 2222", "NAS", 1],
      ["192.168.178.24", "Raspberry Pi", 4],
    ]) {
      await filter.fill(text);
      await page.locator("tbody").filter({ hasNotText: device }).first().waitFor(GONE);
      assert.equal(await page.locator("tr.device h2").textContent(), device);
      assert.equal(await page.locator("tr.share").count(), rows, text);
    }
    await filter.fill("nothing like that");
    await page.getByRole("button", { name: "Clear filter" }).click();
    assert.equal(await page.locator("tr.device").count(), 4);
  });

  test("sorts devices by what the user wants, and shares by their columns", async () => {
    const devices = () => page.locator("tr.device h2").allTextContents();
    assert.deepEqual(await devices(), ["NAS", "PlayStation", "Raspberry Pi", "Workshop PC"]);
    await page.getByLabel("Sort devices by").selectOption("Problems");
    assert.equal((await devices())[0], "Raspberry Pi");
    const header = page.getByRole("columnheader", { name: "External IPv4" });
    await header.getByRole("button").click();
    await header.getByRole("button").click();
    assert.equal(await header.getAttribute("aria-sort"), "descending");
    const names = await page
      .locator("tbody", { hasText: "NAS" })
      .locator(".name")
      .allTextContents();
    assert.deepEqual(names.slice(0, 2), ["Syncthing", "Web server (HTTPS)"]);
  });
});

describe("the switch of a share", () => {
  beforeEach(() => open());

  test("calls the switch entity, and shows what is on its way until it is true", async () => {
    await page.evaluate(() => (fake.delay = 300));
    const toggle = page.getByRole("switch", { name: "Share BitTorrent of NAS" });
    await toggle.click();
    assert.equal(await toggle.getAttribute("aria-checked"), "true");
    assert.equal(await toggle.getAttribute("aria-busy"), "true");
    await page.locator("tr.share", { hasText: "BitTorrent" }).getByText("Active").waitFor();
    assert.equal(await toggle.getAttribute("aria-busy"), "false");
    assert.deepEqual(await calls(), [["switch.turn_on", { entity_id: "switch.torrent" }]]);
  });

  test("goes back and says why when the server refuses", async () => {
    await page.evaluate(() => {
      fake.refusal = {
        code: "home_assistant_error",
        message: "kernel_refused",
        translation_domain: "portshare",
        translation_key: "kernel_refused",
        translation_placeholders: { detail: "EPERM" },
      };
    });
    const toggle = page.getByRole("switch", { name: "Share Syncthing of NAS" });
    await toggle.click();
    await page.getByText("The kernel refused the change, and nothing was changed: EPERM").waitFor();
    assert.equal(await toggle.getAttribute("aria-checked"), "true");
  });

  test("updates the share where its switch entity is disabled", async () => {
    await change({ shares: { web: { ...(await current("shares", "web")), entity_id: null } } });
    await page.getByRole("switch", { name: "Share Web server (HTTPS) of NAS" }).click();
    await page.waitForFunction(() => !fake.state.shares.web.enabled);
    assert.deepEqual(await calls(), [["share/update", { share_id: "web", enabled: false }]]);
  });

  test("of independent port sharing asks the server, too", async () => {
    await page.getByRole("switch", { name: "Independent port sharing of NAS" }).click();
    await page.waitForFunction(() => fake.state.devices.nas.independent);
    assert.deepEqual(await calls(), [["device/update", { device_id: "nas", independent: true }]]);
  });
});

describe("what others change", () => {
  beforeEach(() => open());

  test("is shown at once, and only its own row is drawn again", async () => {
    await page.locator("tr.share").first().waitFor();
    const changed = await current("shares", "web");
    const drawn = await page.evaluate(async (share) => {
      const table = panel.shadowRoot
        .querySelector("portshare-shares-view")
        .shadowRoot.querySelector("portshare-shares-table");
      const rows = new Set();
      const observer = new MutationObserver((records) => {
        for (const { target } of records) {
          const element = target.nodeType === 1 ? target : target.parentElement;
          rows.add(element?.closest("tr")?.dataset.share);
        }
      });
      const all = { subtree: true, childList: true, attributes: true, characterData: true };
      observer.observe(table.shadowRoot, all);
      fake.change({ shares: { web: { ...share, name: "Nextcloud" } } });
      await table.updateComplete;
      await new Promise(requestAnimationFrame);
      return [...rows];
    }, changed);
    assert.ok(await share("Nextcloud").isVisible());
    assert.deepEqual(drawn.filter(Boolean), ["web"]);
  });

  test("can be a device that is gone", async () => {
    await change({ devices: { desktop: null }, shares: { rdp: null } });
    await page.getByText("Workshop PC").waitFor({ state: "detached" });
  });

  test("can be the internet that is interrupted", async () => {
    const gateway = { internet: [], external_ipv4: null, external_ipv6: null };
    await change({ gateway });
    await page.getByText("No internet connection").waitFor();
  });
});

describe("the whole page", () => {
  test("explains the first step where nothing is shared", async () => {
    await open("empty");
    await page.getByText("Nothing is shared yet").waitFor();
    assert.equal(await page.getByRole("button", { name: "Add device for sharing" }).count(), 2);
  });

  test("closes everything, after a question", async () => {
    await open();
    await page.getByRole("button", { name: "Close everything" }).click();
    await page.getByRole("dialog", { name: "Close everything?" }).waitFor();
    const question = page.locator("portshare-dialog");
    await question.getByRole("button", { name: "Close everything" }).click();
    await page.getByText("Everything is closed.").waitFor();
    assert.deepEqual(await calls(), [["portshare.close_all", {}]]);
  });

  test("disables independent port sharing, after a question", async () => {
    await open();
    const button = page.getByRole("button", { name: "Disable independent port sharing" });
    await button.click();
    await page.getByText("1 device may open ports by itself").waitFor();
    await page.locator("portshare-dialog").getByRole("button", { name: "Disable" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.ok(await button.isDisabled());
  });

  test("comes back by itself after a restart, also while Home Assistant is starting", async () => {
    await open();
    await page.getByText("Syncthing").waitFor();
    await page.evaluate(() => fake.disconnect());
    await page.getByText("The connection to Home Assistant is interrupted").waitFor();
    await page.evaluate(() => {
      fake.starting = true;
      fake.reconnect();
    });
    await page.getByText("Home Assistant is still starting").waitFor();
    await page.evaluate(() => (fake.starting = false));
    await page.getByText("Syncthing").waitFor();
    assert.equal(await page.evaluate(() => fake.subscribers.size), 1);
    assert.deepEqual(await calls(), []);
  });

  test("says so when the integration is unloaded", async () => {
    await open();
    await page.getByText("Syncthing").waitFor();
    await page.evaluate(() => fake.subscribers.forEach((tell) => tell({ snapshot: null })));
    await page.getByText("Port sharing is not running").waitFor();
  });

  test("ends its subscription when it is left, and has a new one when it is back", async () => {
    await open();
    await page.getByText("Syncthing").waitFor();
    const subscribers = () => page.evaluate(() => fake.subscribers.size);
    await page.evaluate(() => panel.remove());
    assert.equal(await subscribers(), 0);
    await page.evaluate(() => document.body.append(panel));
    await page.waitForFunction(() => fake.subscribers.size === 1);
  });

  test("shows nothing to who is no administrator", async () => {
    await open("guest");
    await page.getByText("Only administrators can see and change what is open.").waitFor();
    assert.equal(await page.getByRole("button").count(), 0);
  });

  test("speaks German", async () => {
    await open("lang=de");
    await page.getByRole("heading", { name: "Portfreigaben" }).waitFor();
    const header = page.getByRole("columnheader", { name: "Aufruf aus dem Internet" });
    assert.ok(await header.isVisible());
    await page.getByRole("button", { name: "Freigabe zu NAS hinzufügen" }).click();
    await page.getByRole("dialog", { name: "Freigabe hinzufügen" }).waitFor();
  });
});

describe("at 320 pixels", () => {
  const options = { viewport: { width: 320, height: 640 } };
  for (const [what, query, go] of [
    ["the table", "lang=de"],
    ["the event log", "view=log&lang=de"],
    ["the picture", "view=picture&lang=de"],
    ["a dialog", "lang=de", () => page.getByRole("button", { name: "Gerät für" }).click()],
  ])
    test(`${what} needs no sideways scrolling`, async () => {
      await open(query, options);
      await page.getByRole("heading", { name: "Portfreigaben" }).waitFor();
      await go?.();
      await page.evaluate(() => new Promise(requestAnimationFrame));
      const [content, window] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        innerWidth,
      ]);
      assert.ok(content <= window, `${content} pixels`);
    });
});
