// The pages of a company that an address opens, for a guest and for its resident.
import { parseArgs } from "node:util";
import { guestPages, logIn, meterPage, noticePage, open, paperlessPages, requestPage, residentPages } from "../browser/site.mjs";
import { linkPage } from "../browser/staff.mjs";

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" }, only: { type: "string", default: "" } } });

export const runs = Number(values.runs);
const only = new RegExp(values.only);
export const wanted = (path) => only.test(path);

// What the budgets of a visit are: bytes as they cross the line, and requests. A captcha is one request more.
export const BUDGET = { first: 40_000, again: 15_000, html: 14_000, css: 12_000, theme: 1_000, js: 5_000, requests: 5 };
const CAPTCHA = ["/readings", "/register", "/recover"];
export const requestsAllowed = (path) => BUDGET.requests + (CAPTCHA.includes(path) ? 1 : 0);

// Pages whose status says that there is nothing there: browsers write that to the console as a mistake.
const MISSING = ["/nothing", "/activate", "/readings/link/none", "/notifications/unsubscribe"];
export const isMissing = (path) => MISSING.includes(path);

// Pages for helpers and for unlinking, of the first account.
async function accountPages(page) {
  await page.goto("/accounts");
  const helpers = await page.locator('a[href$="/helpers"]').first().getAttribute("href");
  return [helpers, helpers.replace("/helpers", "/unlink")];
}

// A browser's page with the resident logged in, and the addresses: { page, guest, resident }.
export async function site(browser, company) {
  // Without the service worker: behind it the browser does not tell what crossed the line.
  const page = await open(browser, company, { serviceWorkers: "block" });
  await logIn(page, company);
  const meter = await meterPage(page);
  const own = [meter, await requestPage(page), await noticePage(page), ...(await paperlessPages(page)), ...(await accountPages(page)), "/esia/link"];
  return { page, guest: [...guestPages, await linkPage(company, meter)].filter(wanted), resident: [...residentPages, ...own].filter(wanted) };
}
