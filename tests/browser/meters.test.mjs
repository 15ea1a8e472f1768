// «Передать показания» and «Информация об индивидуальном приборе учета (ИПУ)», the headings of the guide, with
// JavaScript and without.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { PHOTO, fetched, launch, logIn, open, walks } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { company, javaScriptEnabled, way } of walks) {
  describe(way, () => {
    test("Передать показания", async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await logIn(page, company);
      await page.locator("nav .tabs").getByRole("link", { name: "Передать показания", exact: true }).click();
      await page.getByRole("heading", { level: 1, name: "Передать показания" }).waitFor();
      const meter = page.locator("fieldset.meter").first();
      await previous(meter);
      if (javaScriptEnabled) await fold(meter);
      await photo(page, meter);
      await page.goto("/meters/readings");
      await dated(page, javaScriptEnabled ? "," : ".");
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });

    test("Информация об индивидуальном приборе учета (ИПУ)", async () => {
      const page = await open(browser, company, { javaScriptEnabled, viewport: { width: 320, height: 640 } });
      await logIn(page, company);
      await page.goto("/meters");
      await page.getByRole("heading", { level: 1, name: "Информация об ИПУ" }).waitFor();
      const row = page.locator("table.cards--wide tbody tr").first();
      assert.match(await row.innerText(), /№\s\S+/);
      assert.match(await row.innerText(), /остал(ся|ось)|истекла|истекает/, "the verification is counted down");
      await row.getByRole("link", { name: /^Показать/ }).click();
      await page.getByRole("heading", { name: "Переданные показания" }).waitFor();
      await history(page);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing runs out at 320 px");
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  });
}

// Closed at first; «Показать» opens the earlier readings.
async function previous(meter) {
  const table = meter.locator("table").first();
  assert.ok(!(await table.isVisible()));
  await meter.locator("summary", { hasText: "Предыдущие показания" }).click();
  assert.ok(await table.isVisible());
  assert.match(await table.innerText(), /\d\d\.\d\d\.\d{4}/);
}

// What opens a fold is named as before when it is closed again.
async function fold(meter) {
  const summary = meter.locator("summary", { hasText: "Фото прибора" });
  for (const words of [/Добавить/, /Скрыть/, /Добавить/]) {
    await summary.filter({ hasText: words }).waitFor();
    await summary.click();
  }
  await summary.filter({ hasText: /Скрыть/ }).waitFor();
  await summary.click();
}

// New values as people write them, with a comma or a point, of a day that somebody chose: no earlier than the last one.
async function dated(page, sign) {
  const meter = page.locator("fieldset.meter", { has: page.locator('input[name*="_value"]') }).last();
  const id = (await meter.locator('input[name*="_value"]').first().getAttribute("name")).split("_")[1];
  for (const zone of await meter.locator(".zone").all()) {
    const last = Number(await zone.getAttribute("data-last")) / 1e7;
    await zone.locator('input[name*="_value"]').fill((last + 0.125).toFixed(3).replace(".", sign));
  }
  const date = page.getByLabel("Дата снятия показаний");
  const today = await date.inputValue();
  const day = (await meter.locator(".zone__last").first().innerText()).includes(today) ? today : yesterday(today);
  await date.fill(day);
  await page.getByRole("button", { name: "Передать показания" }).click();
  await page.getByRole("heading", { name: "Показания приняты" }).waitFor();
  await page.goto(`/meters/${id}`);
  const first = await page.locator("table.cards tbody tr").first().innerText();
  assert.ok(first.includes(day) && first.includes("0,125"), first);
}

function yesterday(today) {
  const [day, month, year] = today.split(".").map(Number);
  return new Date(Date.UTC(year, month - 1, day - 1)).toISOString().slice(0, 10).split("-").reverse().join(".");
}

// A value with its photo; the photo stands in the meter's history and opens from there.
async function photo(page, meter) {
  await meter.locator('input[name$="_delta"]').first().fill("0,2");
  for (const field of await meter.locator('input[name$="_delta"]').all()) await field.fill("0,2");
  await meter.locator("summary", { hasText: "Фото прибора" }).click();
  assert.match(await meter.innerText(), /со временем съёмки и местом/);
  const field = meter.locator('input[type="file"]');
  const id = (await field.getAttribute("name")).replace(/^meter_|_photo$/g, "");
  await field.setInputFiles({ name: "прибор.png", mimeType: "image/png", buffer: PHOTO });
  await page.getByRole("button", { name: "Передать показания" }).click();
  await page.getByRole("heading", { name: "Показания приняты" }).waitFor();
  await page.goto(`/meters/${id}`);
  const first = page.locator("table.cards tbody tr").first();
  assert.match(await first.innerText(), /личный кабинет\s+вы/);
  const answer = await fetched(page, await first.getByRole("link", { name: /^Фото/ }).getAttribute("href"));
  assert.equal(answer.headers["content-type"], "image/png");
  assert.deepEqual(answer.body, PHOTO);
}

// The conclusion in a sentence, bars that need no script, every figure in a table.
async function history(page) {
  const text = await page.locator("main").innerText();
  assert.match(text, /За последние 12 месяцев в среднем [\d\s,]+\s(м³|кВт·ч|Гкал) в месяц, в \S+ (больше|меньше|как)/);
  const bars = page.locator("svg.chart rect");
  assert.ok((await bars.count()) >= 12);
  assert.ok((await bars.last().boundingBox()).height > 0);
  await page.locator("summary", { hasText: "Таблица расхода" }).click();
  const rows = page.locator("details[open] table tbody tr");
  assert.equal(await rows.count(), await bars.count());
}
