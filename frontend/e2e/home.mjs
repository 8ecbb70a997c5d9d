// The home of scripts/demo, as people see it in their browsers and as the internet calls it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { launch } from "../test/chromium.mjs";

const ADDRESS = process.env.PORTSHARE_DEMO;
const SCRIPT = fileURLToPath(new URL("../../scripts/demo", import.meta.url));

/** Run `scripts/demo` with these words, and return what it prints. */
export function demo(...words) {
  return new Promise((resolve) => {
    execFile(SCRIPT, words.map(String), (_, out, err) => resolve((out + err).trim()));
  });
}

/** Call a port from the internet: what answers, or that nothing does. */
export const call = (port, ...how) => demo("call", port, ...how);

/** Open browsers in the home. An error of our page is told when they are closed. */
export async function visit() {
  const browser = await launch();
  const errors = [];

  /** Somebody with a browser, logged in as the user of this name. */
  async function person({ user = "demo", ...options } = {}) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      timezoneId: "Europe/Berlin",
      reducedMotion: "reduce",
      storageState: await logIn(user, user),
      ...options,
    });
    context.setDefaultTimeout(10_000);
    context.on("weberror", (error) => {
      const { stack } = error.error();
      if (stack.includes("/portshare/panel/")) errors.push(stack);
    });

    async function open(view = "") {
      const page = await context.newPage();
      await page.goto(`${ADDRESS}/portshare${view}`);
      await page.waitForFunction(() => document.querySelector("home-assistant")?.hass);
      return page;
    }

    return { open };
  }

  async function close() {
    await browser.close();
    assert.deepEqual(errors, []);
  }

  return { person, close };
}

/** Give a command to Home Assistant, as another page of this user would. */
export function command(page, type, data = {}) {
  return page.evaluate((message) => document.querySelector("home-assistant").hass.callWS(message), {
    type,
    ...data,
  });
}

/** Call a service of Home Assistant. */
export const service = (page, domain, name, service_data = {}) =>
  command(page, "call_service", { domain, service: name, service_data });

/** Log in, and return what the browser then keeps. */
async function logIn(username, password) {
  const client_id = `${ADDRESS}/`;
  const handler = ["homeassistant", null];
  const start = { client_id, handler, redirect_uri: client_id };
  const { flow_id } = await post("/auth/login_flow", JSON.stringify(start));
  const answer = { client_id, username, password };
  const { result: code } = await post(`/auth/login_flow/${flow_id}`, JSON.stringify(answer));
  const grant = { client_id, grant_type: "authorization_code", code };
  const tokens = await post("/auth/token", new URLSearchParams(grant));
  const expires = Date.now() + tokens.expires_in * 1000;
  const value = JSON.stringify({ ...tokens, hassUrl: ADDRESS, clientId: client_id, expires });
  const localStorage = [{ name: "hassTokens", value }];
  return { cookies: [], origins: [{ origin: ADDRESS, localStorage }] };
}

async function post(path, body) {
  const response = await fetch(ADDRESS + path, { method: "POST", body });
  assert.ok(response.ok, `${path}: ${response.status}`);
  return response.json();
}
