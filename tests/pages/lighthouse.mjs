// Every page that an address opens by Lighthouse, on its own profile of a phone on a slow line: the median of its runs.
// Each run is a first visit, so that its transfers are held against the budget too. Pages whose address a letter or a
// cookie makes are met on the walks of the browser suite, and judged there before the walk goes on.
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";
import { doors } from "../browser/doors.mjs";
import { companies, launch, open } from "../browser/site.mjs";
import { BUDGET, isMissing, isOpen, isSeen, missed, requestsAllowed, runs, see, site, wanted, watch } from "./pages.mjs";

const LIMITS = { performance: 95, accessibility: 100, "best-practices": 100 };
const FLAGS = { onlyCategories: Object.keys(LIMITS), disableFullPageScreenshot: true, ignoreStatusCode: true, logLevel: "error" };

// A page's address without what differs from demo to demo.
const shown = (path) => path.replace(/[0-9a-f-]{36}/, ":id").replace(/link\/.{9,}/, "link/:token").replace(/token=.{9,}/, "token=…");

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// What weighs in a category and is not as it should be.
function shortcomings({ categories, audits }) {
  return Object.keys(LIMITS).flatMap((category) =>
    categories[category].auditRefs
      .filter(({ id, weight }) => weight > 0 && audits[id] && audits[id].score !== null && audits[id].score < (category === "performance" ? 0.9 : 1))
      .map(({ id }) => {
        const { title, displayValue, details } = audits[id];
        const where = (details?.items ?? []).slice(0, 3).map((item) => item.node?.snippet ?? item.description ?? item.url ?? JSON.stringify(item));
        return `${category}: ${id}: ${[displayValue ?? title, ...where].join(" | ")}`;
      }),
  );
}

// What a browser asks for of itself, the tab's icon and the app's manifest and icon, counts in bytes alone.
function transfers(audits) {
  const all = audits["network-requests"].details.items.filter(({ url }) => url.startsWith("http"));
  const list = all.filter(({ resourceType }) => resourceType !== "Manifest" && resourceType !== "Other");
  const bytes = (type) => all.filter(({ resourceType }) => !type || resourceType === type).reduce((sum, { transferSize }) => sum + transferSize, 0);
  const theme = list.filter(({ url }) => new URL(url).pathname.startsWith("/theme.")).reduce((sum, { transferSize }) => sum + transferSize, 0);
  return { requests: list.length, first: bytes(), html: bytes("Document"), css: bytes("Stylesheet"), js: bytes("Script"), theme, list };
}

function overBudget(path, cost) {
  const over = ["first", "html", "css", "theme", "js"].filter((kind) => cost[kind] > BUDGET[kind]).map((kind) => `${kind} ${cost[kind]} bytes`);
  if (cost.requests > requestsAllowed(path)) over.push(`${cost.requests} requests: ${cost.list.map(({ url }) => new URL(url).pathname).join(" ")}`);
  return over.map((words) => `over the budget: ${words}`);
}

// On a busy machine Lighthouse loses the beginning of a page now and then and says to run it again.
async function run(browser, url, more, tries = 3) {
  const page = await browser.newPage();
  try {
    const { lhr } = await lighthouse(url, { ...FLAGS, ...more }, undefined, page);
    if (!lhr.runtimeError) return lhr;
    if (tries === 1) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  } finally {
    await page.close();
  }
  return run(browser, url, more, tries - 1);
}

// A row of the table; whether all is well. A page that Lighthouse cannot measure is at fault, and the others go on.
async function judge(browser, company, path) {
  const reports = [];
  const more = isMissing(path) ? { skipAudits: ["errors-in-console"] } : {};
  if (!isMissing(path)) see(path);
  try {
    for (let number = 0; number < runs; number += 1) reports.push(await run(browser, company.origin + path, more));
  } catch (error) {
    console.log(`${"-".padStart(5).repeat(5)} ${company.slug} ${shown(path)}\n        not measured: ${error.message}`);
    return { scores: Object.keys(LIMITS).map(() => 0), fine: false, speeds: [] };
  }
  const scores = Object.keys(LIMITS).map((category) => median(reports.map(({ categories }) => Math.round(categories[category].score * 100))));
  const cost = transfers(reports[0].audits);
  console.log([...scores, cost.requests, (cost.first / 1000).toFixed(1)].map((cell) => String(cell).padStart(5)).join(""), "", company.slug, shown(path));
  const faults = overBudget(path, cost);
  if (Object.values(LIMITS).some((limit, index) => !(scores[index] >= limit))) faults.push(...new Set(reports.flatMap(shortcomings)));
  for (const fault of faults) console.log(`        ${fault}`);
  return { scores, fine: faults.length === 0, speeds: reports.map(({ environment }) => environment.benchmarkIndex) };
}

// The pages as somebody with these cookies sees them.
async function judgeAll(company, paths, cookies) {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP *.localhost 127.0.0.1"],
  });
  if (cookies.length > 0) await browser.setCookie(...cookies);
  for (const path of paths) rows.push(await judge(browser, company, path));
  await browser.close();
}

// What a walk meets of pages that were not seen yet.
async function judgeOnTheWay(desk, company, walk) {
  const walker = await open(desk, company, { serviceWorkers: "block", extraHTTPHeaders: { "X-Forwarded-For": "203.0.113.22" } });
  watch(walker);
  for await (const _ of walk(walker, company)) {
    const { host, pathname, search } = new URL(walker.url());
    const ours = new URL(company.origin).host === host;
    if (ours && isOpen(walker) && !isSeen(pathname)) await judgeAll(company, [pathname + search], await walker.context().cookies());
  }
  await walker.context().close();
}

const rows = [];
const desk = await launch();
console.log(" perf a11y best  req   kB  page");
for (const company of companies) {
  const { page, guest, resident } = await site(desk, company);
  await judgeAll(company, guest, []);
  await judgeAll(company, resident, await page.context().cookies());
  await page.context().close();
  for (const [name, walk] of Object.entries(doors)) if (wanted(name)) await judgeOnTheWay(desk, company, walk);
}
const page = await open(desk, companies[0]);
await page.goto("/");
const unknown = await missed(page);
for (const words of unknown) console.log(`        ${words}`);
await desk.close();
const least = Object.keys(LIMITS).map((category, index) => `${category} ${Math.min(...rows.map(({ scores }) => scores[index]))}`);
const failed = rows.filter(({ fine }) => !fine).length;
// Lighthouse's own figure of the machine at each run: where it varies, something else was running.
const speeds = rows.flatMap((row) => row.speeds);
console.log(`Lighthouse: ${rows.length} pages, the least: ${least.join(", ")}; ${failed} pages fail; the machine ${Math.min(...speeds)} to ${Math.max(...speeds)}`);
process.exitCode = failed > 0 || unknown.length > 0 || rows.length === 0 ? 1 : 0;
