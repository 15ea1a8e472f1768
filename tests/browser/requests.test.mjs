// «Заявки», the heading of the guide: an appeal, a paid service, an emergency; what was accepted and done below.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { crc32, deflateSync } from "node:zlib";
import { randomBytes } from "node:crypto";
import { FOOTNOTE, PHOTO, companies, fetched, figure, launch, logIn, open, walks } from "./site.mjs";

// A picture of noise, which no compression makes small.
function noise(width, height) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Array.from({ length: height }, () => Buffer.concat([Buffer.from([0]), randomBytes(width * 3)]));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(Buffer.concat(rows))), chunk("IEND", Buffer.alloc(0))]);
}

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const { company, javaScriptEnabled, way } of walks) {
  describe(way, () => {
    test("Заявки", async () => {
      const page = await open(browser, company, { javaScriptEnabled });
      await logIn(page, company);
      await section(page);
      const subject = `Не горит свет, ${javaScriptEnabled ? "скрипты" : "без скриптов"}`;
      await appeal(page, subject);
      await paid(page);
      await emergency(page);
      await below(page, subject);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  });
}

test("a large photo is made smaller before it is sent", async () => {
  const [company] = companies;
  const page = await open(browser, company);
  await logIn(page, company);
  await page.goto("/requests/new?kind=emergency");
  const photo = noise(3000, 400);
  assert.ok(photo.length > 3e6);
  await page.getByLabel("Что случилось").fill("Большой снимок");
  await page.getByLabel("Фото и файлы").setInputFiles({ name: "снимок.png", mimeType: "image/png", buffer: photo });
  await page.waitForFunction(() => document.getElementById("files").files[0].type === "image/jpeg");
  await page.getByRole("button", { name: "Отправить" }).click();
  await page.waitForURL("**/requests");
  await page.getByRole("link", { name: "Большой снимок" }).first().click();
  const link = page.getByRole("link", { name: "снимок.jpg" });
  const sent = await fetched(page, await link.getAttribute("href"));
  assert.equal(sent.headers["content-type"], "image/jpeg");
  assert.ok(sent.body.length < photo.length);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

async function section(page) {
  await page.locator("nav .tabs").getByRole("link", { name: "Заявки", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Заявки" }).waitFor();
  await page.getByText(FOOTNOTE).waitFor();
}

// Icon, short form, a refusal that keeps what was typed, a photo.
async function appeal(page, subject) {
  await page.getByRole("link", { name: /^Обращение/ }).click();
  await page.getByLabel("Текст обращения").fill("Третий этаж, у лифта");
  await page.getByLabel("Фото и файлы").setInputFiles({ name: "этаж.png", mimeType: "image/png", buffer: PHOTO });
  await page.getByRole("button", { name: "Отправить" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.title(), /^Ошибка:/);
  assert.equal(await page.getByLabel("Текст обращения").inputValue(), "Третий этаж, у лифта");
  await page.getByLabel("Тема").fill(subject);
  await page.getByLabel("Фото и файлы").setInputFiles({ name: "этаж.png", mimeType: "image/png", buffer: PHOTO });
  await page.getByRole("button", { name: "Отправить" }).click();
  await page.waitForURL("**/requests");
  assert.match(await page.getByRole("status").innerText(), /Заявка № \d+ отправлена/);
}

async function paid(page) {
  await page.getByRole("link", { name: /^Платная услуга/ }).click();
  await page.getByRole("radio").first().check();
  await page.getByRole("button", { name: "Отправить" }).click();
  await page.waitForURL("**/requests");
}

// The phone of the desk stands before the form, and dials.
async function emergency(page) {
  await page.getByRole("link", { name: /^Авария/ }).click();
  const phone = page.locator("main a[href^='tel:']");
  const above = (await phone.boundingBox()).y < (await page.getByLabel("Что случилось").boundingBox()).y;
  assert.ok(above, "the phone first");
  await page.getByRole("link", { name: "Заявки", exact: true }).first().click();
  await page.waitForURL("**/requests");
}

// What was filed stands below with its deadline; the photo opens from the request's own page.
async function below(page, subject) {
  await page.getByRole("heading", { name: "Новые обращения и заявки" }).waitFor();
  await page.getByRole("heading", { name: "Принятые обращения и заявки" }).waitFor();
  await page.getByRole("heading", { name: "Выполненные заявки" }).waitFor();
  assert.match(await page.locator("ul.rows li", { hasText: subject }).first().innerText(), /Срок: до \d\d\.\d\d\.\d{4}/);
  const service = page.locator("ul.rows li", { hasText: "Платная услуга" }).first();
  await service.getByRole("link").click();
  assert.ok((await figure(page, "price")) > 0);
  await page.goto("/requests");
  await page.getByRole("link", { name: subject }).first().click();
  await page.getByRole("heading", { level: 1, name: subject }).waitFor();
  const photo = page.getByRole("link", { name: "этаж.png" });
  const answer = await fetched(page, await photo.getAttribute("href"));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "image/png");
  assert.deepEqual(answer.body, PHOTO);
  await page.getByLabel("Сообщение").fill("Можно прийти вечером");
  await page.getByRole("button", { name: "Отправить" }).click();
  await page.getByRole("status").waitFor();
  assert.match(await page.locator("ol.talk").innerText(), /Можно прийти вечером/);
}
