// The development page in Debian's Chromium.
import { chromium } from "playwright-core";
import { serve } from "../dev/serve.mjs";

export async function openBrowser() {
  const server = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
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
