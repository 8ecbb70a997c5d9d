import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { entry, home, largeHome } from "../dev/homes.mjs";
import { source } from "./source.mjs";

const { applied, logged } = await source("server/state.ts");
const { grouped } = await source("list.ts");
const { changedFields, draftOf, fieldsOf, withProtocol, NEW_DRAFT } =
  await source("dialogs/draft.ts");
const { Format } = await source("format.ts");
const { mapLayout } = await source("elements/map-layout.ts");
const { en } = await source("i18n/en.ts");
const { de } = await source("i18n/de.ts");

const NAMES = new Intl.Collator("en", { numeric: true });
const WISH = { filter: "", devices: "name", shares: { column: "application", descending: false } };
const list = (state, wish = {}) => grouped(state, { ...WISH, ...wish }, NAMES);

describe("the state", () => {
  test("keeps what has not changed as the same objects", () => {
    const before = home();
    const ssh = { ...before.shares.ssh, enabled: false };
    const after = applied(before, { shares: { ssh, web: null } });
    assert.equal(after.shares.ssh, ssh);
    assert.equal(after.shares.web, undefined);
    assert.equal(after.shares.vpn, before.shares.vpn);
    assert.equal(after.devices, before.devices);
    assert.ok(before.shares.web, "the state before is as it was");
  });

  test("has the last 200 entries of the log, and each once", () => {
    const old = Array.from({ length: 200 }, (_, number) =>
      entry(number, "test", `${number}`, null),
    );
    const news = entry(500, "test", "new", null);
    const log = logged(old, [old[199], news]);
    assert.equal(log.length, 200);
    assert.deepEqual(log.slice(-2), [old[199], news]);
  });
});

describe("the list", () => {
  test("sorts numbers in names as numbers", () => {
    const names = list(largeHome()).map((group) => group.device.name);
    assert.deepEqual(names.slice(8, 11), ["Device 8", "Device 9", "Device 10"]);
  });

  test("sorts addresses as numbers, and devices without one to the end", () => {
    const names = list(home(), { devices: "address" }).map((group) => group.device.name);
    assert.deepEqual(names, ["NAS", "Raspberry Pi", "PlayStation", "Workshop PC"]);
  });

  test("has leases of a device that was not added", () => {
    const state = home();
    const mac = "02:00:5e:00:00:99";
    const lease = { ...state.leases.l1, id: "l9", device: null, mac };
    const groups = list(applied(state, { leases: { l9: lease } }));
    const group = groups.find((one) => one.id === mac);
    assert.equal(group.device, undefined);
    assert.deepEqual(group.leases, [lease]);
  });

  test("finds a share only if every word is its own or its device's", () => {
    const found = (filter) =>
      list(home(), { filter }).flatMap((group) => group.shares.map((share) => share.id));
    assert.deepEqual(found("nas web"), ["web"]);
    assert.deepEqual(found("pi web"), ["old"]);
    assert.deepEqual(found("console web"), []);
  });
});

describe("the draft of a share", () => {
  test("that is not changed says nothing", () => {
    for (const share of Object.values(home().shares))
      assert.deepEqual(changedFields(fieldsOf(draftOf(share), share, 0), share), {}, share.name);
  });

  test("with another first port lets the server count where the external ones end", () => {
    const { torrent } = home().shares;
    const draft = { ...draftOf(torrent), externalPort: "7000" };
    const expected = { external_port: 7000, external_port_end: null };
    assert.deepEqual(changedFields(fieldsOf(draft, torrent, 0), torrent), expected);
  });

  test("leaves it to the server to refuse what is no number", () => {
    const fields = fieldsOf({ ...NEW_DRAFT, port: " 80a ", externalPort: "" }, undefined, 0);
    assert.equal(fields.port, "80a");
    assert.equal(fields.external_port, null);
  });

  test("has the families that its protocol can have, and the choice before back", () => {
    const families = ({ ipv4, ipv6 }) => [ipv4, ipv6];
    const esp = withProtocol(NEW_DRAFT, "esp");
    assert.deepEqual(families(esp), [true, false]);
    assert.deepEqual(families(withProtocol(esp, "ping6")), [false, true]);
    assert.deepEqual(families(withProtocol(esp, "udp")), [true, true]);
    const only = withProtocol({ ...NEW_DRAFT, ipv6: false }, "udp");
    assert.deepEqual(families(only), [true, false]);
  });
});

describe("the format", () => {
  const hass = (language, locale = {}) =>
    new Format({ locale: { language, ...locale }, config: { time_zone: "America/New_York" } });

  test("says durations in at most two units, and rounds up", () => {
    const en = hass("en");
    for (const [ms, text] of [
      [0, "0 sec"],
      [59_000, "59 sec"],
      [60_000, "1 min"],
      [61_000, "2 min"],
      [3_600_000, "1 hr"],
      [93 * 60_000, "1 hr 33 min"],
      [26 * 3_600_000, "1 day 2 hr"],
    ])
      assert.equal(en.duration(ms), text);
  });

  test("follows the clock and the time zone of the user's profile", () => {
    const noon = "2026-11-22T18:00:00Z";
    assert.match(hass("en", { time_zone: "server", time_format: "12" }).time(noon), /^1:00\sPM$/);
    assert.equal(hass("en", { time_zone: "server", time_format: "24" }).time(noon), "13:00");
  });

  test("says bytes in the unit that fits", () => {
    assert.match(hass("de").bytes(2_310_000_000), /^2,31\sGB$/);
    assert.equal(hass("en").bytes(0), "0 byte");
  });
});

test("no line of the picture lies on another where it passes the gateway", () => {
  const { devices } = mapLayout(list(home()), {}, 1000);
  const starts = devices.flatMap((box) =>
    box.lines.map((line) => line.path.match(/^M\S+ \S+H/)[0]),
  );
  assert.equal(new Set(starts).size, starts.length);
});

test("both languages have the same placeholders in every text", () => {
  const placeholders = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
  assert.deepEqual(Object.keys(de), Object.keys(en));
  for (const key of Object.keys(en))
    assert.deepEqual(placeholders(de[key]), placeholders(en[key]), key);
});
