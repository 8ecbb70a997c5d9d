// Makes the pictures of README.md: node e2e/screenshots.mjs FOLDER
import { join } from "node:path";
import { call, command, demo, visit } from "./home.mjs";
import { GONE, answer, button, field, share as row } from "./page.mjs";

const HOUR = 3600;
const FOLDER = process.argv[2];
const PICTURES = {
  "desk-light": { view: "", options: { colorScheme: "light", viewport: desk(960) } },
  "desk-dark": { view: "/picture", options: { colorScheme: "dark", viewport: desk(620) } },
  phone: { view: "", options: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 } },
};

function desk(height) {
  return { width: 1280, height };
}

const home = await visit();
await furnish(await (await home.person()).open());
for (const [name, { view, options }] of Object.entries(PICTURES)) {
  const page = await (await home.person(options)).open(view);
  await page.locator("#ha-launch-screen").waitFor(GONE);
  if (!view) {
    await row(page, "Web server").waitFor();
    await button(page, "opened 2 ports by itself").click();
  }
  if (name === "phone") await row(page, "Web server").scrollIntoViewIfNeeded();
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: "disabled" });
}
await home.close();

/** Fill the demo home with what a home has. */
async function furnish(page) {
  const tell = (name, data) => command(page, `portshare/${name}`, data);
  const share = (device_id, name, protocol, port, more = {}) =>
    tell("share/add", { device_id, name, protocol, port, ipv4: true, ipv6: true, ...more });
  const device = async (mac, name) => (await tell("device/add", { mac, name })).device_id;

  const { hosts } = await tell("hosts");
  const [nas, pi] = ["nas", "pi"].map((name) => hosts.find((host) => host.name === name).device);
  const console = await device("02:00:5e:00:00:23", "Console");
  const pc = await device("02:00:5e:00:00:40", "Workshop PC");
  await tell("device/update", { device_id: nas, name: "NAS" });
  await tell("device/update", { device_id: pi, name: "Raspberry Pi" });
  await share(nas, "BitTorrent", "tcp_udp", 6881, { port_end: 6889, enabled: false });
  await share(pi, "WireGuard", "udp", 51820);
  await share(console, "Game server", "udp", 27015, { sources: ["203.0.113.0/24"] });
  await share(pc, "Remote desktop", "tcp", 3389, { external_port: 33890, confirm: true });
  await openForAWhile(page, "SSH");

  await tell("device/update", { device_id: console, independent: true });
  await mapsByItself("Voice chat", 3074, 2 * HOUR);
  await mapsByItself("Party", 9308, HOUR);
  await call(8080);
  await call(27015, "--udp");
}

async function openForAWhile(page, name) {
  await button(page, `Open ${name} for a while`).click();
  await field(page, "Open").selectOption("60");
  await answer(page, "Open");
}

/** Let the console ask for a UDP port by UPnP. */
async function mapsByItself(description, port, seconds) {
  const upnpc = ["exec", "console", "upnpc"];
  const [, gateway] = /desc: (\S+)/.exec(await demo(...upnpc, "-s"));
  const wish = ["-a", "192.168.178.23", port, port, "udp", seconds];
  await demo(...upnpc, "-u", gateway, "-e", description, ...wish);
}
