// A thread that judges pages by Lighthouse, one after the other: each as somebody with these cookies sees it, on
// Lighthouse's own profile of a phone on a slow line. Each run is a first visit, so that its transfers are held against
// the budget too. In a thread of its own, since Lighthouse measures one page at a time in each.
import { parentPort } from "node:worker_threads";
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";
import { BUDGET, LIMITS, isMissing, requestsAllowed, runs } from "./pages.mjs";

const FLAGS = { onlyCategories: Object.keys(LIMITS), disableFullPageScreenshot: true, ignoreStatusCode: true, logLevel: "error" };

const score = ({ categories }, category) => Math.round(categories[category].score * 100);
const isFine = (report) => Object.entries(LIMITS).every(([category, limit]) => score(report, category) >= limit);

// Of an even number of runs the lesser of the two in the middle.
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)];

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

// As many runs as it takes to know whether their median is fine: no more where most of them are.
async function reported(browser, url, more) {
  const reports = [];
  while (reports.length < runs && reports.filter(isFine).length <= runs / 2) reports.push(await run(browser, url, more));
  return reports;
}

async function judged({ origin, path, cookies }) {
  let browser;
  try {
    browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP *.localhost 127.0.0.1"],
    });
    if (cookies.length > 0) await browser.setCookie(...cookies);
    const reports = await reported(browser, origin + path, isMissing(path) ? { skipAudits: ["errors-in-console"] } : {});
    const scores = Object.keys(LIMITS).map((category) => median(reports.map((report) => score(report, category))));
    const cost = transfers(reports[0].audits);
    const faults = overBudget(path, cost);
    if (Object.values(LIMITS).some((limit, index) => !(scores[index] >= limit))) faults.push(...new Set(reports.flatMap(shortcomings)));
    return { scores, requests: cost.requests, bytes: cost.first, faults, speeds: reports.map(({ environment }) => environment.benchmarkIndex) };
  } catch (error) {
    return { scores: Object.keys(LIMITS).map(() => 0), requests: 0, bytes: 0, faults: [`not measured: ${error.message}`], speeds: [] };
  } finally {
    await browser?.close().catch(() => {});
  }
}

parentPort?.on("message", async (page) => parentPort.postMessage(await judged(page)));
