// For everybody: WCAG 2.2 AA by axe, small screens, the keyboard alone.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { beyondTheEdge, faults, faultsOfBoxes, faultsOfColours } from "./axe.mjs";
import { companies, guestPages, launch, logIn, lookedAt, meterPage, noticePage, open, paperlessPages, requestPage, residentPages } from "./site.mjs";
import { doors } from "./doors.mjs";
import { linkPage } from "./staff.mjs";

const PALETTES = ["contrast-light", "contrast-dark", "contrast-blue"];

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

// Every page with all unfolded that a resident may unfold on it, and in the palettes for the weak-sighted, which are one
// and the same at all companies: those are looked at where every module is on.
async function judge(page, label, company) {
  const folded = await beyondTheEdge(page);
  await page.evaluate(() => [...document.querySelectorAll("main details:not([open])")].forEach((part) => (part.open = true)));
  const narrow = page.viewportSize().width === 320;
  const found = narrow ? await faults(page, label) : await faultsOfBoxes(page, label);
  if (folded > 0) found.push(`${label}: scrolls sideways by ${folded} px as it is opened`);
  if (!narrow || company !== companies[0]) return found;
  for (const palette of PALETTES) {
    await page.evaluate((name) => (document.documentElement.className = name), palette);
    found.push(...(await faultsOfColours(page, `${label} ${palette}`)));
  }
  return found;
}

for (const company of lookedAt) {
  describe(company.slug, () => {
    for (const width of [320, 1280]) {
      test(`no page has a violation at ${width} px, nor scrolls sideways`, async () => {
        const page = await open(browser, company, { viewport: { width, height: 800 } });
        const found = [];
        for (const path of guestPages) {
          await page.goto(path);
          found.push(...(await judge(page, path, company)));
        }
        await page.goto("/");
        await page.getByRole("button", { name: "Вход" }).click();
        found.push(...(await judge(page, "refused login", company)));
        await logIn(page, company);
        const meter = await meterPage(page);
        const own = [meter, await linkPage(company, meter), await requestPage(page), await noticePage(page), ...(await paperlessPages(page))];
        for (const path of [...residentPages, ...own]) {
          await page.goto(path);
          found.push(...(await judge(page, path, company)));
        }
        await page.goto("/meters/readings");
        await page.locator('input[name*="_value"]').first().fill("сто");
        await page.getByRole("button", { name: "Передать показания" }).click();
        await page.getByRole("alert").waitFor();
        found.push(...(await judge(page, "refused readings", company)));
        await page.goto("/requests/new?kind=appeal");
        await page.getByRole("button", { name: "Отправить" }).click();
        await page.getByRole("alert").waitFor();
        found.push(...(await judge(page, "refused request", company)));
        assert.deepEqual(found, []);
        assert.deepEqual(page.faults, []);
        await page.context().close();
      });
    }

    for (const [name, walk] of Object.entries(doors)) {
      test(`${name}: no page has a violation at 320 px, nor scrolls sideways`, async () => {
        // From an address of its own: the suite's other people register from the usual one, and an hour takes so many.
        const page = await open(browser, company, { viewport: { width: 320, height: 800 }, extraHTTPHeaders: { "X-Forwarded-For": "203.0.113.20" } });
        const found = [];
        for await (const label of walk(page, company)) found.push(...(await judge(page, label, company)));
        assert.deepEqual(found, []);
        assert.deepEqual(page.faults.filter((fault) => !/status of 403/.test(fault)), []);
        await page.context().close();
      });
    }

    test("the keyboard alone is enough", async () => {
      const page = await open(browser, company);
      const focused = (how) => page.evaluate(how, null);
      await page.goto("/");
      await page.keyboard.press("Tab");
      assert.equal(await focused(() => document.activeElement.textContent), "Перейти к содержанию");
      const box = await page.locator(".govuk-skip-link").boundingBox();
      assert.ok(box && box.height > 20 && box.y >= 0, "the skip link is seen when it has the focus");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => location.hash === "#content");
      await tabTo(page, "email");
      await page.keyboard.type(company.resident.email);
      await tabTo(page, "password");
      await page.keyboard.type(company.resident.password);
      await page.keyboard.press("Enter");
      await page.waitForURL("**/overview");
      // The client menu opens with Enter and closes with Escape.
      for (let presses = 0; presses < 40 && !(await focused(() => document.activeElement.matches("details.client > summary"))); presses += 1) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.equal(await page.locator("details.client").getAttribute("open"), "");
      await page.keyboard.press("Escape");
      assert.equal(await page.locator("details.client").getAttribute("open"), null);
      // Sending nothing: the summary has the focus, its link leads to the field.
      await page.goto("/meters/readings");
      await page.getByRole("button", { name: "Передать показания" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
      assert.equal(await focused(() => document.activeElement.getAttribute("role")), "alert");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.ok(await focused(() => document.activeElement.matches("input")), "the summary's link reaches the field");
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  });
}

async function tabTo(page, id) {
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement.id === wanted, id)) return;
  }
  assert.fail(`the field ${id} is not reached by Tab`);
}
