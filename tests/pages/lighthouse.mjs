// Every page that an address opens by Lighthouse: the median of its runs (judge.mjs), both companies at once. Pages whose
// address a letter or a cookie makes are met on the walks of the browser suite, and judged there before the walk goes on.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { doors } from "../browser/doors.mjs";
import { companies, launch, open } from "../browser/site.mjs";
import { LIMITS, isMissing, isOpen, isSeen, missed, see, site, wanted, watch } from "./pages.mjs";

// A page's address without what differs from demo to demo.
const shown = (path) => path.replace(/[0-9a-f-]{36}/, ":id").replace(/link\/.{9,}/, "link/:token").replace(/token=.{9,}/, "token=…");

const rows = [];

// The pages as somebody with these cookies sees them: a row of the table for each. A page that cannot be measured is at
// fault, and the others go on.
async function judgeAll(judge, company, paths, cookies) {
  for (const path of paths) {
    if (!isMissing(path)) see(path);
    judge.postMessage({ origin: company.origin, path, cookies });
    const [row] = await once(judge, "message");
    rows.push(row);
    console.log([...row.scores, row.requests, (row.bytes / 1000).toFixed(1)].map((cell) => String(cell).padStart(5)).join(""), "", company.slug, shown(path));
    for (const fault of row.faults) console.log(`        ${fault}`);
  }
}

// What a walk meets of pages that were not seen yet.
async function judgeOnTheWay(judge, desk, company, walk) {
  const walker = await open(desk, company, { serviceWorkers: "block", extraHTTPHeaders: { "X-Forwarded-For": "203.0.113.22" } });
  watch(walker);
  for await (const _ of walk(walker, company)) {
    const { host, pathname, search } = new URL(walker.url());
    const ours = new URL(company.origin).host === host;
    if (ours && isOpen(walker) && !isSeen(pathname)) await judgeAll(judge, company, [pathname + search], await walker.context().cookies());
  }
  await walker.context().close();
}

async function judgeCompany(desk, company) {
  const judge = new Worker(new URL("./judge.mjs", import.meta.url), { argv: process.argv.slice(2) });
  const { page, guest, resident } = await site(desk, company);
  await judgeAll(judge, company, guest, []);
  await judgeAll(judge, company, resident, await page.context().cookies());
  await page.context().close();
  for (const [name, walk] of Object.entries(doors)) if (wanted(name)) await judgeOnTheWay(judge, desk, company, walk);
  await judge.terminate();
}

const desk = await launch();
console.log(" perf a11y best  req   kB  page");
await Promise.all(companies.map((company) => judgeCompany(desk, company)));
const page = await open(desk, companies[0]);
await page.goto("/");
const unknown = await missed(page);
for (const words of unknown) console.log(`        ${words}`);
await desk.close();
const least = Object.keys(LIMITS).map((category, index) => `${category} ${Math.min(...rows.map(({ scores }) => scores[index]))}`);
const failed = rows.filter(({ faults }) => faults.length > 0).length;
// Lighthouse's own figure of the machine at each run: where it varies, something else was running.
const speeds = rows.flatMap((row) => row.speeds);
console.log(`Lighthouse: ${rows.length} pages, the least: ${least.join(", ")}; ${failed} pages fail; the machine ${Math.min(...speeds)} to ${Math.max(...speeds)}`);
process.exitCode = failed > 0 || unknown.length > 0 || rows.length === 0 ? 1 : 0;
