// The guide's sections 1 and 3 as far as they are about one's own login: a test for each heading, with
// JavaScript and without.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { companies, launch, logOut, open, walks } from "./site.mjs";
import { letter, path } from "./mailbox.mjs";
import { CAPTCHA, PASSWORD, apply, enter, fresh, resident } from "./residents.mjs";

const company = companies[0];

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function settings(page) {
  await page.locator("details.client > summary").click();
  await page.getByRole("link", { name: "Настройки" }).click();
  await page.waitForURL("**/settings");
}

for (const { javaScriptEnabled, way } of walks.filter((walk) => walk.company === company)) {
  describe(way, () => {
    const heading = (name, story) =>
      test(name, async () => {
        const page = await open(browser, company, { javaScriptEnabled });
        await story(page);
        assert.deepEqual(page.faults, []);
        await page.context().close();
      });

    heading("Начало работы", async (page) => {
      await page.goto("/");
      const doors = { "Регистрация": "/register", "Забыли пароль?": "/recover", "Вход через Госуслуги": "/esia/login", "Передать показания": "/readings" };
      for (const [name, href] of Object.entries(doors)) assert.equal(await page.getByRole("link", { name, exact: true }).getAttribute("href"), href);
      await page.getByRole("button", { name: "Вход", exact: true }).waitFor();
      // Whom to ask is told at once.
      assert.match(await page.locator("footer").innerText(), /8 \(351\) 200-10-10/);
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
      await enter(page, email, "не тот пароль совсем");
      await page.getByRole("alert").waitFor();
      await enter(page, email);
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
      await enter(page, email, "новая заводь у моста");
      await page.waitForURL("**/overview");
    });

    heading("Пункты клиентского меню", async (page) => {
      await resident(page, "menu");
      const menu = page.locator("details.client");
      const box = await menu.boundingBox();
      const { width } = page.viewportSize();
      assert.ok(box.x + box.width > width * 0.75 && box.y < 120, `top right: ${JSON.stringify(box)}`);
      await menu.locator("summary").click();
      const items = await menu.locator("a, button").allInnerTexts();
      assert.deepEqual(items.map((item) => item.trim()), ["Выбор лицевого счета", "Настройки", "Выход"]);
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
      await enter(page, email, "другая заводь у моста");
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
      await enter(page, email);
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
