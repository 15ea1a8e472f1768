// The guide's sections 1 and 3 as far as they are about one's own login: a test for each heading, with
// JavaScript and without.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { companies, launch, logOut, open } from "./site.mjs";
import { letter, path } from "./mailbox.mjs";

const CAPTCHA = process.env.KABINET_TEST_CAPTCHA ?? "314159";
const PASSWORD = "тихая заводь у моста";
const company = companies[0];

let browser;
let number = 0;
before(async () => (browser = await launch()));
after(() => browser.close());

const fresh = (name) => `${name}-${process.pid}-${(number += 1)}@browser.example`;

async function apply(page, email) {
  await page.goto("/");
  await page.getByRole("link", { name: "Регистрация" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Пароль", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Пароль ещё раз").fill(PASSWORD);
  await page.getByLabel("Номер сотового телефона").fill("8 (912) 345-67-89");
  await page.getByRole("checkbox").check();
  await page.getByLabel("Код с картинки").fill(CAPTCHA);
  await page.getByRole("button", { name: "Отправить письмо для активации аккаунта" }).click();
}

async function logIn(page, email, password = PASSWORD) {
  await page.goto("/");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Пароль").fill(password);
  await page.getByRole("button", { name: "Вход", exact: true }).click();
}

async function resident(page, name) {
  const email = fresh(name);
  await apply(page, email);
  await page.waitForURL("**/register/sent");
  await page.goto(path(await letter(email, "Активация"), "/activate"));
  await page.getByRole("button", { name: "Активировать личный кабинет" }).click();
  await page.getByRole("status").waitFor();
  await logIn(page, email);
  await page.waitForURL("**/overview");
  return email;
}

async function settings(page) {
  await page.locator("details.client > summary").click();
  await page.getByRole("link", { name: "Настройки" }).click();
  await page.waitForURL("**/settings");
}

for (const javaScriptEnabled of [true, false]) {
  describe(`JavaScript ${javaScriptEnabled ? "on" : "off"}`, () => {
    const heading = (name, story) =>
      test(name, async () => {
        const page = await open(browser, company, { javaScriptEnabled });
        await story(page);
        assert.deepEqual(page.faults, []);
        await page.context().close();
      });

    heading("Регистрация учетной записи в «Личном кабинете»", async (page) => {
      const email = await resident(page, "registers");
      await logOut(page);
      await apply(page, email);
      await page.getByRole("alert").getByText("Пользователь с таким email уже существует").waitFor();
      await page.locator("main .notice").getByRole("link", { name: "восстановите доступ" }).click();
      await page.waitForURL("**/recover");
    });

    heading("Вход с помощью логина (email) и пароля зарегистрированной учетной записи", async (page) => {
      const email = await resident(page, "enters");
      await logOut(page);
      await logIn(page, email, "не тот пароль совсем");
      await page.getByRole("alert").waitFor();
      await logIn(page, email);
      await page.waitForURL("**/overview");
    });

    heading("Восстановление доступа с помощью email", async (page) => {
      const email = await resident(page, "recovers");
      await logOut(page);
      await page.getByRole("link", { name: "Забыли пароль?" }).click();
      await page.getByLabel("Email").fill(email);
      await page.getByLabel("Код с картинки").fill(CAPTCHA);
      await page.getByRole("button", { name: "Отправить письмо" }).click();
      await page.waitForURL("**/recover/sent");
      await page.goto(path(await letter(email, "Восстановление"), "/recover/new"));
      await page.getByLabel("Новый пароль", { exact: true }).fill("новая заводь у моста");
      await page.getByLabel("Новый пароль ещё раз").fill("новая заводь у моста");
      await page.getByRole("button", { name: "Сохранить пароль" }).click();
      await page.getByRole("status").waitFor();
      await logIn(page, email, "новая заводь у моста");
      await page.waitForURL("**/overview");
    });

    heading("Смена адреса электронной почты", async (page) => {
      await resident(page, "moves");
      const next = fresh("moved");
      await settings(page);
      await page.getByLabel("Логин/Email").fill(next);
      await page.locator("form", { has: page.getByLabel("Логин/Email") }).getByRole("button", { name: "Сохранить изменения" }).click();
      await page.locator("main .notice").getByText("ждёт активации").waitFor();
      await page.goto(path(await letter(next, "Подтвердите"), "/settings/email"));
      await page.getByRole("button", { name: "Подтвердить адрес" }).click();
      await page.getByRole("status").waitFor();
      await settings(page);
      assert.equal(await page.getByLabel("Логин/Email").inputValue(), next);
    });

    heading("Смена номера телефона", async (page) => {
      await resident(page, "calls");
      await settings(page);
      await page.getByRole("textbox", { name: "Телефон" }).fill("8-950-111-22-33");
      await page.locator("form", { has: page.getByRole("textbox", { name: "Телефон" }) }).getByRole("button", { name: "Сохранить изменения" }).click();
      await page.getByRole("status").waitFor();
      assert.equal(await page.getByRole("textbox", { name: "Телефон" }).inputValue(), "+7 950 111-22-33");
    });

    heading("Смена пароля", async (page) => {
      const email = await resident(page, "changes");
      await settings(page);
      await page.getByLabel("Текущий пароль").fill(PASSWORD);
      await page.getByLabel("Новый пароль", { exact: true }).fill("другая заводь у моста");
      await page.getByLabel("Новый пароль ещё раз").fill("другая заводь у моста");
      await page.getByRole("button", { name: "Сменить пароль" }).click();
      await page.getByRole("status").waitFor();
      await logOut(page);
      await logIn(page, email, "другая заводь у моста");
      await page.waitForURL("**/overview");
    });

    heading("Удаление личного кабинета", async (page) => {
      const email = await resident(page, "leaves");
      await settings(page);
      await page.getByRole("link", { name: "Удалить личный кабинет" }).click();
      await page.getByText("Удалить личный кабинет и привязки лицевых счетов? Данное действие отменить будет невозможно.").waitFor();
      await page.getByRole("button", { name: "Подтвердить" }).click();
      await page.waitForURL((url) => url.pathname === "/");
      await page.getByRole("status").waitFor();
      await logIn(page, email);
      await page.getByRole("alert").waitFor();
    });

    heading("Выход из личного кабинета", async (page) => {
      await resident(page, "goes");
      await logOut(page);
      await page.goto("/settings");
      assert.equal(new URL(page.url()).pathname, "/");
    });
  });
}
