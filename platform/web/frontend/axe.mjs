// axe-core over every previewed page, WCAG 2.2 A and AA, on a phone and on a wide screen, and again in each
// «Версия для слабовидящих» palette: node axe.mjs /tmp/kabinet-preview
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

const folder = process.argv[2] ?? "/tmp/kabinet-preview";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pages = JSON.parse(await readFile(path.join(folder, "pages.json"), "utf8"));
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const VIEWS = [null, "contrast-light", "contrast-dark", "contrast-blue"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"] });
let checked = 0;
let bad = 0;
for (const width of [390, 1280]) {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  for (const { file } of pages) {
    await page.goto("file://" + path.join(folder, file));
    await page.evaluate(axe);
    for (const view of VIEWS) {
      await page.evaluate((name) => name && (document.documentElement.className = name), view);
      // Menus closed, then everything unfolded.
      for (const open of [false, true]) {
        if (open && view) continue;
        if (open) await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
        // An open menu of the header lies over the tabs below it by design: no size of targets then.
        const options = { runOnly: TAGS, rules: { "target-size": { enabled: !open } } };
        const { violations } = await page.evaluate((how) => axe.run(how), options);
        checked += 1;
        for (const v of violations) {
          bad += 1;
          console.log(`${file} ${width} ${view ?? "plain"}${open ? " unfolded" : ""}: ${v.id}: ${v.help}`);
          for (const node of v.nodes.slice(0, 3)) console.log(`    ${node.target.join(" ")} ${node.failureSummary.replace(/\s+/g, " ").slice(0, 200)}`);
        }
      }
      if (!view) await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = false)));
    }
  }
  await page.close();
}
await browser.close();
console.log(`${checked} checks, ${bad} violations`);
process.exit(bad ? 1 : 0);
