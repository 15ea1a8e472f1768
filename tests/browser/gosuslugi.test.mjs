// Login through Gosuslugi, as the guide's sections 1 and 3 tell it: with JavaScript and without.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { launch, logIn, logOut, open, walks } from "./site.mjs";
import { enterAtGosuslugi } from "./residents.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { company, javaScriptEnabled, way } of walks) {
  describe(way, () => {
    const email = `browser-${Date.now()}-${javaScriptEnabled}@mail.example`;

    test("Вход через Госуслуги", async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await page.goto("/");
      await page.getByRole("link", { name: "Вход через Госуслуги" }).click();
      await enterAtGosuslugi(page, email);
      // The first time consent is asked for, and a login is made of the e-mail.
      await page.getByRole("heading", { name: "Вход через Госуслуги" }).waitFor();
      await page.getByRole("button", { name: "Создать личный кабинет" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel("Я ознакомился").check();
      await page.getByRole("button", { name: "Создать личный кабинет" }).click();
      await page.waitForURL("**/overview");
      await logOut(page);
      // From then on nothing is asked.
      await page.getByRole("link", { name: "Вход через Госуслуги" }).click();
      await enterAtGosuslugi(page, email);
      await page.waitForURL("**/overview");
      await logOut(page);
      // Who refuses at Gosuslugi is told what that means.
      await page.getByRole("link", { name: "Вход через Госуслуги" }).click();
      await page.getByRole("button", { name: "Отказать в доступе" }).click();
      await page.getByRole("alert").filter({ hasText: "не разрешили" }).waitFor();
      assert.deepEqual(page.faults.filter((fault) => !/status of 403/.test(fault)), []);
      await page.context().close();
    });

    test("Привязка учетной записи Госуслуг", async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await logIn(page, company);
      await page.goto("/settings");
      await page.getByRole("heading", { name: "Вход через Госуслуги" }).waitFor();
      await page.getByRole("button", { name: "Привязать +" }).click();
      const person = `link-${email}`;
      await enterAtGosuslugi(page, person);
      await page.waitForURL("**/settings");
      await page.getByRole("status").filter({ hasText: "привязана" }).waitFor();
      await logOut(page);
      await page.getByRole("link", { name: "Вход через Госуслуги" }).click();
      await enterAtGosuslugi(page, person);
      await page.waitForURL("**/overview");
      await page.goto("/settings");
      await page.getByRole("link", { name: "Отвязать" }).click();
      await page.getByRole("button", { name: "Отвязать" }).click();
      await page.waitForURL("**/settings");
      await page.getByRole("button", { name: "Привязать +" }).waitFor();
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  });
}
