// Puts the panel into the page as Home Assistant does.
import "/panel.js";
import { FakeHomeAssistant } from "./fake-home-assistant.mjs";
import { emptyHome, home, largeHome } from "./homes.mjs";

const wish = new URLSearchParams(location.search);
const language = wish.get("lang") ?? "en";
document.documentElement.lang = language;
document.documentElement.classList.toggle("dark", wish.has("dark"));

const state = wish.has("many") ? largeHome() : wish.has("empty") ? emptyHome() : home();
const fake = new FakeHomeAssistant(state, language, !wish.has("guest"));
const panel = document.createElement("portshare-panel");

function update() {
  panel.hass = fake.hass();
  panel.narrow = innerWidth < 870;
  panel.route = { prefix: "/portshare", path: view ? `/${view}` : "" };
}

let view = wish.get("view");
addEventListener("location-changed", () => {
  view = location.pathname.split("/")[2];
  update();
});
addEventListener("popstate", () => {
  view = location.pathname.split("/")[2];
  update();
});
addEventListener("resize", update);
fake.addEventListener("changed", update);

update();
Object.assign(window, { fake, panel, started: performance.now() });
document.body.append(panel);

/** When the first share stands in the table. */
requestAnimationFrame(function look() {
  const shares = panel.shadowRoot?.querySelector("portshare-shares-view")?.shadowRoot;
  const table = shares?.querySelector("portshare-shares-table")?.shadowRoot;
  if (table?.querySelector("tr.share")) window.firstRows = performance.now();
  else requestAnimationFrame(look);
});
