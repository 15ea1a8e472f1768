// What every file of the suite needs: the browser, the demo's logins, the pages there are.
import { readFileSync } from "node:fs";
import { get } from "node:http";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const port = new URL(process.env.KABINET_TEST_URL ?? "http://127.0.0.1:8080").port || "80";
const demo = JSON.parse(readFileSync(process.env.KABINET_TEST_DEMO ?? "data/demo.json", "utf8"));

export const companies = demo.companies.map((company) => ({ ...company, origin: `http://${company.slug}.localhost:${port}` }));

// A suite that runs beside one on the other database takes one half of what there is (KABINET_TEST_HALF, 0 or 1); alone
// it takes all.
const half = process.env.KABINET_TEST_HALF;
const takes = (number) => half === undefined || half === String(number % 2);

// Those whose pages are looked at: how they look does not depend on the database.
export const lookedAt = companies.filter((_, number) => takes(number));

// Each company with JavaScript and without. By halves each company, and JavaScript on and off, meets both databases.
export const everyWay = companies.flatMap((company, first) =>
  [true, false].map((javaScriptEnabled, second) => {
    const way = `${company.slug}, JavaScript ${javaScriptEnabled ? "on" : "off"}`;
    return { company, javaScriptEnabled, way, number: first + second };
  }),
);
export const walks = everyWay.filter(({ number }) => takes(number));

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--host-resolver-rules=MAP *.localhost 127.0.0.1"],
  });

// Pages of a guest and of a resident; a meter's, a request's, a notice's and the flags' own are added by `meterPage`,
// `requestPage`, `noticePage`, `paperlessPages`. Those that no address alone opens are walked to in `doors.mjs`.
export const guestPages = ["/", "/readings", "/accessibility", "/nothing", "/register", "/register/sent", "/consent", "/recover", "/recover/sent", "/activate", "/offline", "/readings/link/none", "/notifications/unsubscribe"];
export const residentPages = ["/overview", "/services", "/charges", "/charges/difference", "/payments", "/meters/readings", "/meters", "/documents", "/requests", "/requests/new?kind=appeal", "/requests/new?kind=paid", "/requests/new?kind=emergency", "/notifications", "/notifications/preferences", "/accounts", "/accounts/link", "/settings", "/settings/consent", "/settings/delete", "/nothing"];

// A picture of one pixel.
export const PHOTO = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

// What the guide says of services that a company may be without.
export const FOOTNOTE = /^сервис предусмотрен не для всех организаций/i;

// A page whose mistakes are collected: script errors, refused resources, broken policies.
export async function open(browser, company, options = {}) {
  const context = await browser.newContext({ baseURL: company.origin, locale: "ru-RU", ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // A refused form and an unknown page are told by their status; that is no mistake of the page.
    const expected = /status of (404|422)/.test(message.text());
    if (message.type() === "error" && !expected) page.faults.push(message.text());
  });
  page.on("requestfailed", (request) => {
    if (!/ERR_ABORTED/.test(request.failure()?.errorText ?? "")) page.faults.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  return page;
}

export async function logIn(page, company) {
  await page.goto("/");
  await page.getByLabel("Email").fill(company.resident.email);
  await page.getByLabel("Пароль").fill(company.resident.password);
  await page.getByRole("button", { name: "Вход" }).click();
  await page.waitForURL("**/overview");
}

export async function logOut(page) {
  await page.locator("details.client > summary").click();
  await page.getByRole("button", { name: "Выход" }).click();
  await page.waitForURL((url) => url.pathname === "/");
}

export async function meterPage(page) {
  await page.goto("/meters");
  return page.locator('a[href^="/meters/"]:not([href="/meters/readings"])').first().getAttribute("href");
}

// The pages behind the flags of the list of accounts: an application, a question; none where the company has no flags.
export async function paperlessPages(page) {
  await page.goto("/accounts");
  const forms = await page.locator("form:has([role=checkbox])").all();
  return Promise.all(forms.map((form) => form.getAttribute("action")));
}

// A request of the demo's: one that waits for its resident, with the form of an answer.
export async function requestPage(page) {
  await page.goto("/requests");
  return page.locator("ul.rows li", { hasText: "Ждёт вашего ответа" }).getByRole("link").first().getAttribute("href");
}

// A notice of the demo's: words of staff.
export async function noticePage(page) {
  await page.goto("/notifications");
  return page.locator("ul.rows a").first().getAttribute("href");
}

// Kopecks of a figure.
export async function figure(page, id) {
  const value = await page.locator(`data#${id}`).first().getAttribute("value");
  assert.match(value, /^-?\d+$/, `the figure ${id}`);
  return Number(value);
}

// What a link of the page leads to, fetched beside it as its visitor: Node resolves no *.localhost.
export async function fetched(page, href) {
  const { host, pathname, search } = new URL(href, page.url());
  const cookies = await page.context().cookies(page.url());
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  return new Promise((resolve, reject) => {
    const asked = get({ host: "127.0.0.1", port, path: pathname + search, headers: { host, cookie } }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
    });
    asked.on("error", reject);
  });
}
