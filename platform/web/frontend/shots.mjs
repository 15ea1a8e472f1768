// Pictures of the previewed pages for the eye: node shots.mjs /tmp/kabinet-preview /tmp/shots [filter] [widths]
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { chromium } from "playwright-core";

const [folder, out, filter = ".", widths = "320,390,1280"] = process.argv.slice(2);
const pages = JSON.parse(await readFile(path.join(folder, "pages.json"), "utf8"));
await mkdir(out, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"] });
for (const width of widths.split(",").map(Number)) {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  for (const { file } of pages.filter((p) => new RegExp(filter).test(p.file))) {
    await page.goto("file://" + path.join(folder, file));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) console.log(`${file} at ${width}: ${wide} px too wide`);
    await page.screenshot({ path: path.join(out, file.replace(".html", `-${width}.png`)), fullPage: true });
  }
  await page.close();
}
await browser.close();
