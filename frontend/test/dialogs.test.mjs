import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { openBrowser } from "./browser.mjs";

let browser, page, context, errors;
before(async () => (browser = await openBrowser()));
after(() => browser.close());
beforeEach(async () => ({ page, context, errors } = await browser.open()));
afterEach(async () => {
  await context.close();
  assert.deepEqual(errors, []);
});

const calls = () => page.evaluate(() => fake.calls);
const button = (name) => page.getByRole("button", { name, exact: true });
// What stands in a dialog is slotted into it: Playwright looks for it in the frame.
const dialog = () => page.locator("portshare-dialog");
const apply = () => dialog().getByRole("button", { name: "Apply" }).click();
const field = (name) => dialog().getByLabel(name, { exact: true });

describe("a new share", () => {
  beforeEach(() => button("Add share to Raspberry Pi").click());

  test("is filled in by its application, and saved", async () => {
    await field("Application").selectOption("Minecraft (Java Edition) – TCP 25565");
    assert.equal(await field("Port to device").inputValue(), "25565");
    await page.getByText("It would get 25565.").waitFor();
    await apply();
    await page.getByText("“Minecraft (Java Edition)” is saved.").waitFor();
    const [[name, share]] = await calls();
    assert.equal(name, "share/add");
    assert.deepEqual(share, {
      device_id: "pi",
      name: "Minecraft (Java Edition)",
      protocol: "tcp",
      port: 25565,
      port_end: null,
      external_port: null,
      external_port_end: null,
      ipv4: true,
      ipv6: true,
      sources: [],
      enabled: true,
      open_until: null,
    });
  });

  test("with a port that is taken gets the next free one by a click", async () => {
    await field("Name").fill("Website");
    await field("Port to device").fill("443");
    await field("External port (IPv4)").fill("8443");
    await page.getByText("External port 8443 is taken").waitFor();
    assert.equal(await field("External port (IPv4)").getAttribute("aria-invalid"), "true");
    await button("Use 8444").click();
    assert.equal(await field("External port (IPv4)").inputValue(), "8444");
    await page.getByText("is taken").waitFor({ state: "detached" });
    await apply();
    await dialog().waitFor({ state: "detached" });
    assert.equal((await calls())[0][1].external_port, 8444);
  });

  test("shows the server's errors at their fields, and focuses them", async () => {
    await apply();
    await page.getByText("A name has 1 to 64 characters, on one line.").waitFor();
    const name = field("Name");
    assert.equal(await name.getAttribute("aria-invalid"), "true");
    assert.ok(await name.evaluate((one) => one.matches(":focus")));
    const described = await name.evaluate((one) =>
      one
        .getAttribute("aria-describedby")
        .split(" ")
        .map((id) => one.getRootNode().getElementById(id).textContent.trim())
        .join(""),
    );
    assert.equal(described, "A name has 1 to 64 characters, on one line.");
    await name.fill("Website");
    await field("Port to device").fill("many");
    await page.getByText("many is not a port number.").waitFor();
  });

  test("that is dangerous is saved only with a confirmation", async () => {
    await field("Application").selectOption("SSH and SFTP – TCP 22");
    await page.getByText("whoever gets in there can control the device").waitFor();
    await apply();
    await page.getByText("Confirm it, or change the share.").waitFor();
    await field("Yes, I want that").check();
    await apply();
    await dialog().waitFor({ state: "detached" });
    assert.equal((await calls()).at(-1)[1].confirm, true);
  });

  test("that was confirmed stays so while something harmless is changed", async () => {
    await field("Application").selectOption("SSH and SFTP – TCP 22");
    await page.getByText("whoever gets in there").waitFor();
    await apply();
    await field("Yes, I want that").check();
    await field("Name").fill("Shell");
    await page.waitForFunction(() => fake.checks.at(-1)?.name === "Shell");
    await page.evaluate(() => fake.idle());
    assert.ok(await field("Yes, I want that").isChecked());
    assert.equal(await page.getByText("Confirm it, or change the share.").count(), 0);
  });

  test("without ports asks for none, and for the family that there is", async () => {
    await field("Protocol").selectOption("ESP");
    assert.equal(await field("Port to device").count(), 0);
    assert.equal(await field("External port (IPv4)").count(), 0);
    assert.ok(await field("IPv6").isDisabled());
    assert.equal(await field("IPv6").isChecked(), false);
  });

  test("can be for some callers only, and open for a while", async () => {
    await field("Application").selectOption("Web server (HTTP) – TCP 80");
    await dialog().getByText("Only these addresses").click();
    await field("Addresses").fill("198.51.100.0/24, office.example.net\n2001:db8::/32");
    await field("Open").selectOption("Now, for 1 hr");
    await apply();
    await dialog().waitFor({ state: "detached" });
    const [, share] = (await calls())[0];
    assert.deepEqual(share.sources, ["198.51.100.0/24", "office.example.net", "2001:db8::/32"]);
    const minutes = (Date.parse(share.open_until) - Date.now()) / 60_000;
    assert.ok(minutes > 55 && minutes <= 60, `${minutes} minutes`);
  });

  test("that was begun is not lost without a question", async () => {
    await field("Name").fill("Web");
    await page.keyboard.press("Escape");
    await page.getByText("Discard your changes?").waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await field("Name").inputValue(), "Web");
    await page.goBack();
    await page.getByText("Discard your changes?").waitFor();
    await button("Discard").click();
    await dialog().waitFor({ state: "detached" });
    assert.deepEqual(await calls(), []);
  });
});

describe("editing", () => {
  test("a share sends only what has been changed", async () => {
    await button("Edit BitTorrent").click();
    await field("Name").fill("Torrents");
    await apply();
    await page.getByText("“Torrents” is saved.").waitFor();
    assert.deepEqual(await calls(), [["share/update", { share_id: "torrent", name: "Torrents" }]]);
  });

  test("a share for a while keeps its time", async () => {
    await button("Edit SSH and SFTP").click();
    await field("Name").fill("Shell");
    await page.getByText("whoever gets in").waitFor();
    await field("Yes, I want that").check();
    await apply();
    await page.getByText("“Shell” is saved.").waitFor();
    const [, changes] = (await calls())[0];
    assert.deepEqual(changes, { share_id: "ssh", name: "Shell", confirm: true });
  });

  test("a device shows an error at its name", async () => {
    await button("Edit NAS").click();
    await field("Name of the device").fill("");
    await apply();
    await page.getByText("A name has 1 to 64 characters").waitFor();
    await field("Name of the device").fill("Storage");
    await apply();
    await page.getByRole("heading", { name: "Storage" }).waitFor();
  });

  test("opens a share for a while", async () => {
    await button("Open BitTorrent for a while").click();
    await field("Open").selectOption("15 min");
    await dialog().getByRole("button", { name: "Open", exact: true }).click();
    await page.getByText("“BitTorrent” is open for 15 min.").waitFor();
    const expected = { share_id: "torrent", duration: { minutes: 15 } };
    assert.deepEqual(await calls(), [["portshare.open_temporarily", expected]]);
  });
});

describe("a new device", () => {
  beforeEach(() => button("Add device for sharing").click());

  test("is picked from the home network, and saved with its first share", async () => {
    await dialog().getByText("Printer in the study").click();
    await field("Application").selectOption("Web server (HTTP) – TCP 80");
    await apply();
    await page.getByRole("heading", { name: "Printer in the study" }).waitFor();
    const [[name, { mac, share }]] = await calls();
    assert.equal(name, "device/add");
    assert.equal(mac, "02:00:5e:00:00:31");
    assert.equal(share.port, 80);
  });

  test("is all or nothing: a share that is refused leaves no device", async () => {
    await dialog().getByText("Printer in the study").click();
    await field("Application").selectOption("Web server (HTTP) – TCP 80");
    await field("External port (IPv4)").fill("8443");
    await apply();
    await page.getByText("External port 8443 is taken").waitFor();
    assert.equal(await page.getByRole("heading", { name: "Printer" }).count(), 0);
  });

  test("can be typed, and have no share yet", async () => {
    await field("Device").first().fill("02:00:5e:00:00:99");
    await dialog().getByText("Use “02:00:5e:00:00:99”").click();
    await field("Name of the device").fill("Heating");
    await field("Share a port of it now").uncheck();
    await apply();
    await page.getByRole("heading", { name: "Heating" }).waitFor();
    const expected = { mac: "02:00:5e:00:00:99", name: "Heating" };
    assert.deepEqual(await calls(), [["device/add", expected]]);
  });

  test("must be chosen", async () => {
    await apply();
    await page.getByText("Choose a device.").waitFor();
    assert.deepEqual(await calls(), []);
  });

  test("is not offered if it has been added", async () => {
    await dialog().getByText("Printer in the study").waitFor();
    assert.equal(await dialog().getByText("NAS").count(), 0);
  });
});

describe("deleting", () => {
  test("a device names what will be closed, and asks", async () => {
    await button("Delete NAS").click();
    const items = await dialog().getByRole("listitem").allInnerTexts();
    assert.equal(items.length, 4);
    assert.ok(items.includes("Web server (HTTPS) · TCP 443"));
    await dialog().getByRole("button", { name: "Delete" }).click();
    await page.getByText("NAS is deleted.").waitFor();
    assert.equal(await page.getByRole("heading", { name: "NAS" }).count(), 0);
  });

  test("a share can be called off", async () => {
    await button("Delete Syncthing").click();
    await dialog().getByRole("button", { name: "Cancel" }).click();
    await dialog().waitFor({ state: "detached" });
    assert.deepEqual(await calls(), []);
  });

  test("that is refused says why", async () => {
    await page.evaluate(() => (fake.refusal = { code: "base", message: "Not now." }));
    await button("Delete Syncthing").click();
    await dialog().getByRole("button", { name: "Delete" }).click();
    await dialog().getByText("Not now.").waitFor();
  });
});
