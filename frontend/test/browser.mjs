// The development page in Debian's Chromium.
import { serve } from "../dev/serve.mjs";
import { launch } from "./chromium.mjs";

export async function openBrowser() {
  const server = await serve();
  const browser = await launch();
  const address = `http://127.0.0.1:${server.address().port}`;

  /** Open the page in a new context; an error of the page fails whoever looks at `errors`. */
  async function open(query = "", options = {}) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(5000);
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(`${address}/portshare?${query}`);
    return { page, context, errors };
  }

  async function close() {
    await browser.close();
    server.close();
  }

  return { open, close, address };
}
