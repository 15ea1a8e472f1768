// Every page as the server sends it: the markup by html-validate, the bytes of a repeated visit, what is too small for a
// finger. Pages that no address alone opens are walked to as in the browser suite.
import { HtmlValidate, StaticConfigLoader } from "html-validate";
import { doors } from "../browser/doors.mjs";
import { companies, launch, open } from "../browser/site.mjs";
import { measured } from "../browser/transfer.mjs";
import { BUDGET, isOpen, missed, see, site, wanted, watch } from "./pages.mjs";
import { rules } from "./rules.mjs";
import { PHONE, small } from "./targets.mjs";

const validator = new HtmlValidate(new StaticConfigLoader(rules));
const faults = new Map();
let pages = 0;

function fault(words, label) {
  faults.set(words, (faults.get(words) ?? new Set()).add(label));
}

async function judge(page, label) {
  pages += 1;
  if (isOpen(page)) see(page.url());
  const report = await validator.validateString(await page.document.text(), label);
  for (const { ruleId, message, selector, line, column } of report.results.flatMap((result) => result.messages)) {
    fault(`${ruleId}: ${message} (${selector ?? `${line}:${column}`})`, label);
  }
  // The stand-in for Gosuslugi is no page of the portal.
  if (!new URL(page.url()).host.startsWith("esia.")) for (const words of await small(page)) fault(words, label);
}

async function visit(page, company, paths) {
  for (const path of paths) {
    const { html, bytes } = await measured(page, path);
    await judge(page, `${company.slug} ${path}`);
    if (html > BUDGET.html || bytes > BUDGET.again) fault(`over the budget: ${html} bytes of HTML, ${bytes} bytes of a repeated visit`, `${company.slug} ${path}`);
  }
}

const browser = await launch();
for (const company of companies) {
  const { page, guest, resident } = await site(browser, company);
  watch(page);
  await page.setViewportSize(PHONE);
  await visit(page, company, resident);
  await page.context().clearCookies();
  await visit(page, company, guest);
  await page.context().close();
  for (const [name, walk] of Object.entries(doors)) {
    if (!wanted(name)) continue;
    const walker = await open(browser, company, { serviceWorkers: "block", viewport: PHONE, extraHTTPHeaders: { "X-Forwarded-For": "203.0.113.21" } });
    watch(walker);
    for await (const label of walk(walker, company)) await judge(walker, `${company.slug} ${label}`);
    await walker.context().close();
  }
}
const page = await open(browser, companies[0]);
await page.goto("/");
for (const words of await missed(page)) fault(words, "the table of pages");
await browser.close();

for (const [words, labels] of faults) console.log(`${words}\n    ${labels.size} pages: ${[...labels].slice(0, 4).join(", ")}`);
console.log(`Markup, bytes and targets: ${pages} pages, ${faults.size} faults`);
process.exitCode = faults.size > 0 || pages === 0 ? 1 : 0;
