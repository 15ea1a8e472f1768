// The headings of the guide on what is owed and why, each a test, with JavaScript and without: «Общая информация»,
// «Детализация по услугам», «Детализация начислений», «История оплат», «Документы».
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { fetched, figure, launch, logIn, open, walks } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { company, javaScriptEnabled, way } of walks) {
  const heading = (name, look) =>
    test(name, async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await logIn(page, company);
      await section(page, name);
      await page.setViewportSize({ width: 320, height: 640 });
      await look(page);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing runs out at 320 px");
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });

  describe(way, () => {
    heading("Общая информация", async (page) => {
      const sums = {};
      for (const id of ["debt", "counted", "uncounted", "charged", "to_pay", "preliminary", "to_pay_with_preliminary"]) sums[id] = await figure(page, id);
      assert.equal(sums.to_pay - sums.uncounted, sums.debt);
      assert.equal(sums.debt + sums.preliminary, sums.to_pay_with_preliminary);
      const receipt = await fetched(page, await page.getByRole("link", { name: "Распечатать квитанцию" }).getAttribute("href"));
      assert.equal(receipt.headers["content-type"], "application/pdf");
    });

    heading("Детализация по услугам", async (page) => {
      const rows = await sums(page, "table tbody tr");
      const [total] = await sums(page, "table tfoot tr");
      assert.ok(rows.length > 1);
      for (const [opening, charged, recalculation, penalty, counted, toPay] of [...rows, total])
        assert.equal(opening + charged + recalculation + penalty - counted, toPay);
      for (const column of total.keys()) assert.equal(rows.reduce((sum, row) => sum + row[column], 0), total[column]);
    });

    heading("Детализация начислений", async (page) => {
      await page.getByLabel("Месяц").selectOption("2026-05");
      await page.getByRole("button", { name: "Показать" }).click();
      await page.waitForURL("**/charges?period=2026-05");
      const text = await page.locator("main").innerText();
      assert.match(text, /май\s2026/);
      assert.match(text, /Расчёт: .*×/, "the formula in words");
      const charged = (await sums(page, "table.cards tbody tr:not(.table__more)")).map((row) => row.at(-1));
      const totals = (await sums(page, "table.sums tbody tr")).map((row) => row.at(-1));
      assert.equal(charged.reduce((a, b) => a + b), totals[0]);
      assert.equal(totals[0] + totals[1] + totals[2], totals[3]);
    });

    heading("История оплат", async (page) => {
      const rows = page.locator("table tbody tr");
      assert.ok((await rows.count()) > 1);
      const dates = (await rows.locator("th").allInnerTexts()).map((text) => text.trim().split(".").reverse().join("-"));
      assert.deepEqual(dates, [...dates].sort().reverse(), "the newest first");
      assert.ok((await sums(page, "table tbody tr")).every(([sum]) => sum > 0));
      assert.match(await rows.first().innerText(), /учтена в квитанции за|ещё не учтена/);
    });

    heading("Документы", async (page) => {
      const links = page.getByRole("link", { name: /^Распечатать квитанцию за/ });
      assert.ok((await links.count()) >= 14, "every month");
      for (const link of [links.first(), links.last()]) {
        const receipt = await fetched(page, await link.getAttribute("href"));
        assert.equal(receipt.headers["content-type"], "application/pdf");
        assert.equal(receipt.body.subarray(0, 5).toString(), "%PDF-");
      }
    });
  });
}

async function section(page, name) {
  await page.locator("nav .tabs").getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

// The sums of each row in kopecks, from left to right.
async function sums(page, rows) {
  const texts = await page.locator(rows).evaluateAll((found) => found.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.innerText)));
  const kopecks = (text) => Number(text.match(/[−-]?[\d\s]+,\d\d/)[0].replace(/[\s,]/g, "").replace("−", "-"));
  return texts.map((row) => row.filter((text) => /,\d\d\s₽\s*$/.test(text)).map(kopecks));
}
