// «Уведомления», the heading of the guide: what the company sent, what is unread, and what a resident chooses.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { FOOTNOTE, launch, logIn, open, walks } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { company, javaScriptEnabled, way } of walks) {
  describe(way, () => {
    test("Уведомления", async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await logIn(page, company);
      const title = `Собрание, ${javaScriptEnabled ? "скрипты" : "без скриптов"}`;
      await send(page, company, title);
      await unread(page, title);
      await read(page, title);
      await choose(page);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  });
}

// The company's administrator writes to all, as the admin's app will: by the API.
async function send(page, company, title) {
  const staff = await page.context().browser().newContext({ baseURL: company.origin });
  const window = await staff.newPage();
  await window.goto("/accessibility");
  const call = (method, path, body) =>
    window.evaluate(
      async ([method, path, body]) => {
        const answer = await fetch(path, { method, body: body && JSON.stringify(body), headers: { "content-type": "application/json" } });
        return { status: answer.status, body: await answer.text() };
      },
      [method, path, body],
    );
  const { email, password } = company.admin;
  assert.equal((await call("POST", "/api/admin/v1/session", { email, password })).status, 204);
  const body = "В **19:00** во дворе.\n\n- отчёт за год\n- [план работ](https://plan.example)";
  const draft = await call("POST", "/api/admin/v1/notifications", { title, body, audience: { to: "all" }, channels: ["email"] });
  assert.equal(draft.status, 200, draft.body);
  const { id } = JSON.parse(draft.body);
  assert.equal((await call("POST", `/api/admin/v1/notifications/${id}/send`, {})).status, 200);
  await staff.close();
}

const entry = (page) => page.locator("nav .tabs").getByRole("link", { name: /^Уведомления/ });

// The section tells how many are unread, in words for those who do not see the number's look.
async function unread(page, title) {
  for (let round = 0; round < 50; round += 1) {
    await page.goto("/notifications");
    if (await page.getByRole("link", { name: title }).count()) break;
    await page.waitForTimeout(200);
  }
  await page.goto("/overview");
  assert.match(await entry(page).innerText(), /\d+/);
  assert.match(await entry(page).textContent(), /непрочитанных/);
  await entry(page).click();
  await page.getByRole("heading", { level: 1, name: "Уведомления" }).waitFor();
  await page.getByText(FOOTNOTE).waitFor();
  const row = page.locator("ul.rows li", { hasText: title }).first();
  assert.match(await row.innerText(), /Новое/);
}

async function read(page, title) {
  await page.getByRole("link", { name: title }).first().click();
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  assert.equal(await page.locator("main .words b").innerText(), "19:00");
  assert.equal(await page.locator("main .words a").getAttribute("href"), "https://plan.example");
  await page.getByRole("link", { name: "Уведомления", exact: true }).first().click();
  const row = page.locator("ul.rows li", { hasText: title }).first();
  assert.doesNotMatch(await row.innerText(), /Новое/);
  const all = page.getByRole("button", { name: "Отметить все прочитанными" });
  if (await all.count()) {
    await all.click();
    await page.getByRole("status").waitFor();
  }
  assert.doesNotMatch(await entry(page).textContent(), /\d/);
}

// Choices stay; a wrong hour is refused and kept.
async function choose(page) {
  await page.goto("/notifications");
  await page.getByRole("link", { name: "Настройки уведомлений" }).click();
  await page.getByLabel("Не присылать в эти часы").check();
  await page.getByLabel("С какого часа").fill("99");
  await page.getByRole("button", { name: "Сохранить изменения" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("С какого часа").inputValue(), "99");
  await page.getByLabel("С какого часа").fill("23");
  await page.getByLabel("До какого часа").fill("7");
  await page.getByRole("group", { name: "Новая квитанция" }).getByLabel("Почта").uncheck();
  await page.getByRole("button", { name: "Сохранить изменения" }).click();
  await page.getByRole("status").waitFor();
  assert.equal(await page.getByLabel("С какого часа").inputValue(), "23");
  assert.equal(await page.getByRole("group", { name: "Новая квитанция" }).getByLabel("Почта").isChecked(), false);
  await page.getByRole("group", { name: "Новая квитанция" }).getByLabel("Почта").check();
  await page.getByLabel("Как решила компания").check();
  await page.getByRole("button", { name: "Сохранить изменения" }).click();
  await page.getByRole("status").waitFor();
}
