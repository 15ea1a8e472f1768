// The pages of a company that an address opens, for a guest and for its resident.
import { parseArgs } from "node:util";
import { guestPages, logIn, meterPage, noticePage, open, paperlessPages, requestPage, residentPages } from "../browser/site.mjs";
import { linkPage } from "../browser/staff.mjs";
import { route, unseen } from "./routes.mjs";
import { walk } from "./walk.mjs";

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" }, only: { type: "string", default: "" } } });

export const runs = Number(values.runs);
const only = new RegExp(values.only);
export const wanted = (path) => only.test(path);

// What Lighthouse is to give a page at least.
export const LIMITS = { performance: 95, accessibility: 100, "best-practices": 100 };

// What the budgets of a visit are: bytes as they cross the line, and requests. A captcha is one request more.
export const BUDGET = { first: 40_000, again: 15_000, html: 14_000, css: 12_000, theme: 1_000, js: 5_000, requests: 5 };
const CAPTCHA = ["/readings", "/register", "/recover"];
export const requestsAllowed = (path) => BUDGET.requests + (CAPTCHA.includes(path) ? 1 : 0);

// Pages whose status says that there is nothing there: browsers write that to the console as a mistake.
const MISSING = ["/nothing", "/activate", "/readings/link/none", "/notifications/unsubscribe"];
export const isMissing = (path) => MISSING.includes(path);

// Remembers the document that a page shows, before the browser has made a tree of it.
export function watch(page) {
  page.on("response", (response) => {
    const redirect = response.status() >= 300 && response.status() < 400;
    if (response.request().resourceType() === "document" && !redirect) page.document = response;
  });
}

// Whether a watched page is one that its address opens: no answer to a form, and nothing that is gone.
export const isOpen = (page) => page.document.request().method() === "GET" && page.document.status() === 200;

// Rows of the portal's table of pages that were looked at, of whichever company.
const rows = new Set();
const row = (address) => route(new URL(address, "http://portal").pathname);
export const see = (address) => rows.add(row(address));
export const isSeen = (address) => rows.has(row(address));
// What of the table was not seen: with --only, nothing is missed.
export const missed = (page) => (values.only === "" ? unseen(page, rows) : []);

// A browser's page with the resident logged in, and the addresses: { page, guest, resident }. The resident's are those
// with the most to see on them, and one of each other page that they lead to.
export async function site(browser, company) {
  // Without the service worker: behind it the browser does not tell what crossed the line.
  const page = await open(browser, company, { serviceWorkers: "block" });
  await logIn(page, company);
  const meter = await meterPage(page);
  const own = [meter, await requestPage(page), await noticePage(page), ...(await paperlessPages(page)), "/esia/link"];
  const resident = await walk(page, [...residentPages, ...own]);
  return { page, guest: [...guestPages, await linkPage(company, meter)].filter(wanted), resident: resident.filter(wanted) };
}
