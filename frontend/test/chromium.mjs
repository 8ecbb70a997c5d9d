// Debian's Chromium, and what every page in it is looked at for.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}

/** What is wrong for people with disabilities, in the whole page or in one element. */
export async function violations(page, element = page.locator("html")) {
  await page.evaluate(AXE);
  return element.evaluate(async (element, tags) => {
    const { violations } = await axe.run(element, { runOnly: tags });
    return violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => node.html) }));
  }, TAGS);
}
