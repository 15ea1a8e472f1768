// Linking and readings without registration, as the user guide tells it: one test a heading, with
// JavaScript and without, at both companies.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { launch, logIn, open, walks } from "./site.mjs";
import { letter, path } from "./mailbox.mjs";
import { CAPTCHA, activate, apply, enter, find, fresh, resident } from "./residents.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { company, javaScriptEnabled, way } of walks) {
  describe(way, () => {
    const offered = company.unlinked[javaScriptEnabled ? 7 : 8];
    const visit = async (work) => {
      const page = await open(browser, company, { javaScriptEnabled });
      await work(page);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    };

    test("Привязка лицевого счета к «Личному кабинету»", () =>
      visit(async (page) => {
        // A newcomer's overview leads there, and shows the account afterwards.
        await resident(page, "links");
        await page.getByRole("link", { name: "+ Привязать лицевой счет" }).click();
        await page.getByRole("heading", { level: 1, name: "Привязка лицевого счета" }).waitFor();
        await find(page, offered);
        await page.getByLabel("Фамилия собственника или нанимателя").fill(offered.surname);
        await page.getByRole("button", { name: "+ Привязать лицевой счет" }).click();
        await page.waitForURL("**/overview");
        await page.locator("data#debt").waitFor();
        await page.context().clearCookies();

        await logIn(page, company);
        await page.goto("/accounts/link");
        await page.getByRole("heading", { level: 1, name: "Привязка лицевого счета" }).waitFor();
        await page.getByRole("button", { name: "Найти" }).click();
        await page.getByRole("alert").waitFor();
        await find(page, offered);
        // Nothing about the account is shown before the check; a wrong surname keeps what was typed.
        assert.ok(!(await page.locator("main").innerText()).includes(offered.account));
        await page.getByLabel("Фамилия собственника или нанимателя").fill("Неизвестный");
        await page.getByRole("button", { name: "+ Привязать лицевой счет" }).click();
        await page.getByRole("alert").waitFor();
        assert.equal(await page.getByLabel("Фамилия собственника или нанимателя").inputValue(), "Неизвестный");
        await page.getByLabel("Фамилия собственника или нанимателя").fill(` ${offered.surname.toUpperCase()} `);
        await page.getByRole("button", { name: "+ Привязать лицевой счет" }).click();
        await page.waitForURL("**/overview");
        assert.match(await page.locator(".switch__number").first().innerText(), new RegExp(offered.account));
      }));

    test("Выбор лицевого счета", () =>
      visit(async (page) => {
        await accounts(page, company);
        const row = page.locator("tr", { hasText: offered.account });
        await row.getByRole("button", { name: offered.account, exact: true }).click();
        await page.waitForURL("**/overview");
        assert.match(await page.locator(".switch__number").first().innerText(), new RegExp(offered.account));
        await page.goto("/accounts");
        assert.equal(await page.locator("tr.is-current").count(), 1);
        await row.getByRole("link", { name: /Доступ помощника/ }).click();
        await page.getByRole("heading", { level: 1, name: "Доступ помощника" }).waitFor();
        await page.getByRole("button", { name: "Отправить приглашение" }).click();
        await page.getByRole("alert").waitFor();
      }));

    test("An invitation to help waits for the invited person's registration", () =>
      visit(async (page) => {
        const email = fresh("helps");
        await accounts(page, company);
        await page.locator("tr", { hasText: offered.account }).getByRole("link", { name: /Доступ помощника/ }).click();
        await page.getByLabel("Email").fill(email);
        await page.getByRole("radio").first().check();
        await page.getByLabel("До какого дня").fill("30.11.2026");
        await page.getByRole("button", { name: "Отправить приглашение" }).click();
        await page.getByRole("status").waitFor();
        await page.context().clearCookies();

        await page.goto(path(await letter(email, "Вас просят"), "/accounts/invitation"));
        assert.ok(!(await page.locator("main").innerText()).includes(offered.account));
        await page.getByRole("link", { name: "Регистрация" }).click();
        await page.waitForURL("**/register");
        await apply(page, email);
        await activate(page, email);
        await enter(page, email);
        await page.waitForURL("**/accounts/invitation?token=*");
        assert.ok((await page.locator("main").innerText()).includes(offered.account));
        await page.getByRole("button", { name: "Принять приглашение" }).click();
        await page.waitForURL("**/meters/readings");
        await page.getByRole("status").waitFor();
      }));

    test("Отвязка лицевого счета", () =>
      visit(async (page) => {
        await accounts(page, company);
        const cross = page.getByRole("button", { name: `Х: отвязать лицевой счет ${offered.account}` });
        await cross.click();
        await page.getByRole("heading", { level: 1, name: "Отвязка лицевого счета" }).waitFor();
        await page.getByRole("link", { name: "Отмена" }).click();
        await cross.click();
        await page.getByRole("button", { name: "Подтвердить" }).click();
        await page.getByRole("status").waitFor();
        assert.equal(await page.locator("main tr", { hasText: offered.account }).count(), 0);
      }));

    test("Привязка лицевого счета", () =>
      visit(async (page) => {
        await accounts(page, company);
        await page.getByRole("link", { name: "+ Привязать лицевой счет" }).click();
        await find(page, offered);
        await page.getByRole("link", { name: "Изменить номер или адрес" }).click();
        assert.equal(await page.getByLabel("Номер лицевого счета").inputValue(), offered.account);
        await page.getByRole("button", { name: "Найти" }).click();
        await page.getByLabel("Фамилия собственника или нанимателя").fill(offered.surname);
        await page.getByRole("button", { name: "+ Привязать лицевой счет" }).click();
        await page.waitForURL("**/overview");
        // As it was, for the tests after this one.
        await page.goto("/accounts");
        await page.getByRole("button", { name: `Х: отвязать лицевой счет ${offered.account}` }).click();
        await page.getByRole("button", { name: "Подтвердить" }).click();
        await page.getByRole("status").waitFor();
      }));

    test("Передача показаний приборов учета без регистрации", () =>
      visit(async (page) => {
        await page.goto("/");
        await page.getByRole("link", { name: "Передать показания" }).click();
        await page.waitForURL("**/readings");
        await page.getByLabel("Номер лицевого счета").fill(offered.account);
        await page.getByLabel("№ дома").fill(offered.house);
        await page.getByLabel("№ квартиры").fill(`кв. ${offered.flat}`);
        await page.getByRole("button", { name: "Вход" }).click();
        await page.getByRole("alert").waitFor();
        assert.equal(await page.getByLabel("Номер лицевого счета").inputValue(), offered.account);
        await page.getByLabel("Код с картинки").fill(CAPTCHA);
        await page.getByRole("button", { name: "Вход" }).click();
        await page.waitForURL("**/readings/submit");
        assert.ok(!(await page.locator("main").innerText()).includes(offered.surname));
        await page.locator('input[name$="_delta"]').first().fill("1,5");
        await page.getByRole("button", { name: "Передать показания" }).click();
        await page.getByRole("heading", { name: "Показания приняты" }).waitFor();
        assert.equal(await page.locator("main data").count(), 0, "no sums for a guest");
      }));
  });
}

async function accounts(page, company) {
  await logIn(page, company);
  await page.locator("details.client > summary").click();
  await page.getByRole("link", { name: "Выбор лицевого счета" }).click();
  await page.getByRole("heading", { level: 1, name: "Выбор лицевого счета" }).waitFor();
}
