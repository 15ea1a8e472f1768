// «Версия для слабовидящих»: size, colours, spacing, pictures; kept, and back to the page one came from.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { beyondTheEdge, faults } from "./axe.mjs";
import { companies, guestPages, launch, logIn, open, residentPages } from "./site.mjs";

const LINK = "Версия для слабовидящих";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

// The mode as somebody chooses it.
async function choose(page, ...labels) {
  await page.getByRole("link", { name: LINK }).click();
  await page.waitForURL("**/accessibility");
  for (const label of labels) await page.getByRole("radio", { name: label, exact: true }).check();
  await page.getByRole("button", { name: "Сохранить" }).click();
  await page.waitForURL((url) => url.pathname !== "/accessibility");
}

const classes = (page) => page.locator("html").getAttribute("class");

for (const company of companies) {
  describe(company.slug, () => {
    for (const javaScriptEnabled of [true, false]) {
      test(`Версия для слабовидящих, JavaScript ${javaScriptEnabled ? "on" : "off"}`, async () => {
        const page = await open(browser, company, { javaScriptEnabled });
        // A guest, on a page with a query: back to it, as it was.
        await page.goto("/recover?from=start");
        await choose(page, "Самый крупный", "Белым по чёрному", "Увеличенное", "Не показывать");
        assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, "/recover?from=start");
        assert.equal(await classes(page), "size-200 contrast-dark spacing-wide images-off");
        const root = await page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
        assert.equal(root, "32px");
        assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(0, 0, 0)");
        assert.equal(await page.locator("img:visible").count(), await page.locator("img.captcha__picture").count(), "pictures are gone, but the code's");
        // It is kept: for a year, from page to page, through a login.
        const [cookie] = (await page.context().cookies()).filter((cookie) => cookie.name === "kabinet_view");
        assert.ok(cookie.expires > Date.now() / 1000 + 300 * 24 * 3600 && cookie.httpOnly);
        await logIn(page, company);
        assert.equal(await classes(page), "size-200 contrast-dark spacing-wide images-off");
        await page.goto("/charges?period=2026-09");
        await page.getByRole("link", { name: LINK }).click();
        for (const name of ["Самый крупный", "Белым по чёрному", "Увеличенное", "Не показывать"]) {
          assert.ok(await page.getByRole("radio", { name, exact: true }).isChecked(), name);
        }
        await page.getByRole("button", { name: "Вернуть обычный вид" }).click();
        await page.waitForURL("**/charges?period=2026-09");
        assert.equal(await classes(page), null);
        await page.goto("/accessibility");
        assert.equal(await page.getByRole("button", { name: "Вернуть обычный вид" }).count(), 0);
        assert.deepEqual(page.faults, []);
        await page.context().close();
      });
    }

    test("the link is seen on every page", async () => {
      const page = await open(browser, company, { viewport: { width: 320, height: 640 } });
      const without = [];
      const look = async (path) => {
        await page.goto(path);
        const box = await page.getByRole("link", { name: LINK }).first().boundingBox();
        if (!box || box.y > 200 || box.height < 24) without.push(path);
      };
      for (const path of guestPages) await look(path);
      await logIn(page, company);
      for (const path of residentPages) await look(path);
      assert.deepEqual(without, []);
      await page.context().close();
    });
  });
}

// The modes are the same for every company's colours.
const [company] = companies;

// 1280 px at 400 % are 320 px of CSS; letters of the double size come on top.
for (const [label, ...labels] of [
  ["large", "Крупный"],
  ["very large", "Очень крупный"],
  ["largest", "Самый крупный"],
  ["wide", "Увеличенное"],
  ["without pictures", "Не показывать"],
  ["black on white", "Чёрным по белому", "Самый крупный"],
  ["white on black", "Белым по чёрному", "Самый крупный"],
  ["blue", "Тёмно-синим по голубому", "Самый крупный", "Увеличенное", "Не показывать"],
]) {
  test(`${label}: no violation, nothing beyond the edge at 400 %`, async () => {
    const page = await open(browser, company, { viewport: { width: 320, height: 640 } });
    const found = [];
    await page.goto("/");
    await choose(page, ...labels);
    for (const path of ["/", "/readings", "/register"]) {
      await page.goto(path);
      found.push(...(await faults(page, path)));
    }
    await logIn(page, company);
    for (const path of ["/overview", "/meters/readings", "/meters", "/charges", "/requests", "/accessibility", "/offline"]) {
      await page.goto(path);
      found.push(...(await faults(page, path)));
    }
    assert.deepEqual(found, []);
    await page.context().close();
  });
}

test("the longest figure of a meter stays on a narrow screen with letters farther apart", async () => {
  const page = await open(browser, company, { viewport: { width: 320, height: 640 } });
  await page.goto("/");
  await choose(page, "Увеличенное");
  await logIn(page, company);
  await page.goto("/meters");
  await page.locator("td .num").first().evaluate((figure) => (figure.textContent = "99999,999\u00a0кВт·ч"));
  assert.equal(await beyondTheEdge(page), 0);
  await page.context().close();
});
