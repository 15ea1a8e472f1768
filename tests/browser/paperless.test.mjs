// «Отказ от бумажного носителя ПД», the heading of the guide: the flag, the application, paper again.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { FOOTNOTE, companies, fetched, launch, logIn, open, walks } from "./site.mjs";
import { letter } from "./mailbox.mjs";

const COLUMN = "Отказаться от бумажного носителя платежного документа (квитанции)";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const [company, without] = companies;

for (const { javaScriptEnabled, way } of walks.filter((walk) => walk.company === company)) {
  describe(way, () => {
    test("Отказ от бумажного носителя ПД", async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await logIn(page, company);
      const account = await chooseAccounts(page);
      await refuse(page, account);
      await application(page, account);
      await restore(page, account);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  });
}

test("a company without the service has no such column", async () => {
  const page = await open(browser, without);
  await logIn(page, without);
  await page.goto("/accounts");
  assert.equal(await page.getByRole("checkbox").count(), 0);
  assert.ok(!(await page.locator("main").innerText()).includes("бумажного носителя"));
  await page.context().close();
});

test("the application fits a narrow screen", async () => {
  const page = await open(browser, company, { viewport: { width: 320, height: 640 } });
  await logIn(page, company);
  for (const path of ["/accounts", await flag(page)]) {
    await page.goto(path);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), path);
  }
  await page.context().close();
});

async function flag(page) {
  await page.goto("/accounts");
  return page.locator("form:has([role=checkbox])").first().getAttribute("action");
}

// «Выбор лицевого счета», and the number of the first account, whose flag is not set.
async function chooseAccounts(page) {
  await page.locator("details.client > summary").click();
  await page.getByRole("link", { name: "Выбор лицевого счета" }).click();
  await page.getByRole("columnheader", { name: COLUMN }).waitFor();
  const box = page.getByRole("checkbox", { checked: false }).first();
  const name = await box.getAttribute("aria-label");
  assert.ok(name.startsWith(`${COLUMN}, лицевой счет `), name);
  return name.split(" ").at(-1);
}

const box = (page, account) => page.getByRole("checkbox", { name: `лицевой счет ${account}` });

async function refuse(page, account) {
  await box(page, account).focus();
  await page.keyboard.press("Space");
  await page.getByRole("heading", { level: 1, name: "Заявление об отказе от бумажного носителя платежного документа" }).waitFor();
  const text = await page.locator("main").innerText();
  for (const part of [account, company.resident.email, "22.11.2026"]) assert.ok(text.includes(part), part);
  await page.getByText(FOOTNOTE).waitFor();
  const name = page.getByLabel("Подписывает");
  await name.fill("");
  await page.getByRole("button", { name: "Подтвердить" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.title(), /^Ошибка:/);
  await name.fill("Иванова Нина Петровна");
  await page.getByRole("button", { name: "Подтвердить" }).click();
  await page.waitForURL("**/accounts");
  assert.match(await page.getByRole("status").innerText(), /Заявление № \d+-\d+ принято/);
  assert.equal(await box(page, account).getAttribute("aria-checked"), "true");
}

async function application(page, account) {
  const link = page.locator("tr", { has: box(page, account) }).getByRole("link", { name: /^Заявление №/ });
  const answer = await fetched(page, await link.getAttribute("href"));
  assert.equal(answer.headers["content-type"], "application/pdf");
  assert.equal(answer.body.subarray(0, 4).toString(), "%PDF");
  const message = await letter(company.resident.email, "Отказ от бумажной квитанции принят");
  assert.equal(message.attachments[0].type, "application/pdf");
}

async function restore(page, account) {
  await box(page, account).click();
  await page.getByRole("heading", { level: 1, name: "Вернуть бумажную квитанцию" }).waitFor();
  await page.getByRole("button", { name: "Подтвердить" }).click();
  await page.waitForURL("**/accounts");
  assert.equal(await box(page, account).getAttribute("aria-checked"), "false");
}
