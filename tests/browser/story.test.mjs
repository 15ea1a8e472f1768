// The main story, as a resident lives it: with JavaScript and without, at both companies.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { everyWay, figure, launch, logIn, logOut, open } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { company, javaScriptEnabled, way } of everyWay) {
  describe(way, () => {
    test("from the login to a reading, its preliminary charge, the receipt and the other account", async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await wrongLogin(page, company);
      await logIn(page, company);
      const before = await overview(page);
      await details(page);
      await reading(page, before);
      await receipt(page);
      await otherAccount(page);
      await logOut(page);
      await page.goto("/overview");
      assert.equal(new URL(page.url()).pathname, "/", "a guest sees no figures");
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  });
}

async function wrongLogin(page, company) {
  await page.goto("/");
  await page.getByLabel("Email").fill(company.resident.email);
  await page.getByLabel("Пароль").fill("не тот пароль");
  await page.getByRole("button", { name: "Вход" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.title(), /^Ошибка:/);
  assert.equal(await page.getByLabel("Email").inputValue(), company.resident.email, "the typed value is kept");
}

async function overview(page) {
  assert.match(await page.title(), /Общая информация/);
  const sums = {};
  for (const id of ["charged", "counted", "to_pay", "uncounted", "debt", "preliminary", "to_pay_with_preliminary"]) sums[id] = await figure(page, id);
  assert.equal(sums.to_pay - sums.uncounted, sums.debt);
  assert.equal(sums.debt + sums.preliminary, sums.to_pay_with_preliminary);
  return sums.preliminary;
}

async function details(page) {
  await section(page, "Детализация начислений");
  await page.getByLabel("Месяц").selectOption("2026-05");
  await page.getByRole("button", { name: "Показать" }).click();
  await page.waitForURL("**/charges?period=2026-05");
  assert.match(await page.locator("main").innerText(), /май\s2026/);
  assert.ok((await page.locator("table.cards tbody tr").count()) > 0);
  await section(page, "Детализация по услугам");
  await section(page, "История оплат");
}

async function section(page, name) {
  await page.locator("nav .tabs").getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

async function reading(page, before) {
  await section(page, "Передать показания");
  // A number with a comma, as people type it.
  const field = page.locator('input[name$="_delta"]').first();
  await field.fill("много");
  await page.getByRole("button", { name: "Передать показания" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await field.inputValue(), "много", "the refused value is kept");
  await field.fill("0,5");
  await page.getByRole("button", { name: "Передать показания" }).click();
  await page.getByRole("heading", { name: "Показания приняты" }).waitFor();
  const now = await figure(page, "preliminary");
  assert.equal(await figure(page, "preliminary_change"), now - before);
  await page.getByRole("link", { name: "Общая информация" }).last().click();
  await page.waitForURL("**/overview");
  assert.equal(await figure(page, "preliminary"), now);
}

async function receipt(page) {
  const href = await page.getByRole("link", { name: "Распечатать квитанцию" }).getAttribute("href");
  const tab = await page.context().newPage();
  const answered = tab.waitForEvent("response", (response) => response.url().endsWith(href));
  // A PDF is shown or downloaded, as the browser is set up; both begin with this answer.
  await tab.goto(href).catch((error) => assert.match(String(error), /Download is starting|ERR_ABORTED/));
  const response = await answered;
  assert.equal(response.status(), 200);
  assert.equal(response.headers()["content-type"], "application/pdf");
  await tab.close();
  await section(page, "Документы");
  assert.ok((await page.getByRole("link", { name: /^Распечатать квитанцию за/ }).count()) >= 14);
}

async function otherAccount(page) {
  const shown = () => page.locator(".switch__number").first().innerText();
  const first = await shown();
  await page.locator("details.client > summary").click();
  await page.getByRole("link", { name: "Выбор лицевого счета" }).click();
  await page.locator("tr:not(.is-current) td button").first().click();
  await page.waitForURL("**/overview");
  assert.notEqual(await shown(), first);
  await page.locator("details.switch > summary").click();
  await page.locator("details.switch button:not([aria-current])").first().click();
  await page.waitForLoadState();
  assert.equal(await shown(), first);
}
