// Readings within everybody's reach: the estimate while typing, a reading typed without a network, the one-meter link.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { PHOTO, companies, figure, launch, logIn, logOut, open, walks } from "./site.mjs";
import { resident } from "./residents.mjs";
import { post, staff } from "./staff.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const FIELD = 'input[name^="meter_"][name$="_value"]';

// The first meter with one zone on «Передать показания»: its field, and its last value with so much more.
async function dial(page) {
  await page.goto("/meters/readings");
  const field = page.locator(FIELD).first();
  const name = await field.getAttribute("name");
  const last = Number(await page.locator(".zone", { has: field }).first().getAttribute("data-last")) / 1e7;
  return { field, id: name.split("_")[1], more: (volume) => (last + volume).toFixed(3).replace(".", ",") };
}

async function rows(page, id) {
  await page.goto(`/meters/${id}`);
  return page.locator("table tbody tr").allInnerTexts();
}

const kept = (page) => page.evaluate(() => Object.entries(localStorage).filter(([name]) => name.startsWith("draft:")));

for (const company of companies) {
  describe(company.slug, () => {
    test("the volume and the preliminary charge come while a reading is typed, and nothing is stored", async () => {
      const page = await open(browser, company);
      await logIn(page, company);
      const before = await figure(page, "preliminary");
      const { field, id, more } = await dial(page);
      const stored = (await rows(page, id)).length;
      await page.goto("/meters/readings");
      await field.fill(more(3.4));
      const zone = page.locator(".zone", { has: field }).first();
      await zone.locator(".zone__use", { hasText: /Расход: \+3,4\s/ }).waitFor();
      const estimate = page.locator(".estimate", { hasText: /Предварительное начисление за ноябрь 2026/ });
      await estimate.waitFor();
      assert.match((await estimate.innerText()).replace(/\s/g, " "), /: [\d ]+,\d\d ₽/);
      await field.fill("1");
      await zone.locator(".zone__use", { hasText: "Меньше предыдущего показания" }).waitFor();
      await field.fill("");
      await page.waitForFunction(() => [...document.querySelectorAll(".zone__use, .estimate")].every((place) => place.textContent === ""));
      // By volume it is the same.
      await page.locator('input[name$="_delta"]').first().fill("2");
      await zone.locator(".zone__use", { hasText: /Расход: \+2\s/ }).waitFor();
      assert.equal((await rows(page, id)).length, stored);
      await page.goto("/overview");
      assert.equal(await figure(page, "preliminary"), before);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });

    for (const { javaScriptEnabled } of walks.filter((walk) => walk.company === company)) {
      test(`a one-meter link takes a reading without a login, JavaScript ${javaScriptEnabled ? "on" : "off"}`, async () => {
        const page = await open(browser, company);
        await logIn(page, company);
        const { id, more } = await dial(page);
        const { address, qr_svg: picture } = await staff(company, `/meters/${id}/links`, {});
        assert.match(picture, /^<svg/);
        const guest = await open(browser, company, { javaScriptEnabled, viewport: { width: 320, height: 700 } });
        await guest.goto(new URL(address).pathname);
        const text = await guest.locator("main").innerText();
        assert.match(text, /Номер прибора заканчивается на/);
        assert.doesNotMatch(text, /₽|ул\./);
        await guest.getByRole("button", { name: "Передать показание" }).click();
        await guest.getByRole("alert").waitFor();
        const field = guest.locator(FIELD).first();
        await field.fill(more(0.01));
        if (javaScriptEnabled) await guest.locator(".zone__use", { hasText: /Расход: \+0,01/ }).waitFor();
        await guest.locator("summary", { hasText: "Фото прибора" }).click();
        await guest.locator('input[type="file"]').setInputFiles({ name: "прибор.png", mimeType: "image/png", buffer: PHOTO });
        await guest.getByRole("button", { name: "Передать показание" }).click();
        await guest.getByRole("status").filter({ hasText: "Показание принято" }).waitFor();
        const wide = await guest.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
        assert.equal(wide, false, "scrolls sideways");
        assert.match((await rows(page, id))[0], /по ссылке\s+Фото/);
        assert.deepEqual([...page.faults, ...guest.faults], []);
        await Promise.all([page.context().close(), guest.context().close()]);
      });
    }
  });
}

const [company] = companies;

// A resident whose browser has its worker, on the form of readings.
async function ready() {
  const page = await open(browser, company, { serviceWorkers: "allow" });
  await logIn(page, company);
  const meter = await dial(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  return { page, ...meter };
}

test("a reading typed without a network waits, and is sent once when there is one", async () => {
  const { page, field, id, more } = await ready();
  const before = (await rows(page, id)).length;
  // The evening before the server's day.
  const typed = "2026-11-21T21:40:00+05:00";
  await page.clock.setFixedTime(typed);
  await page.goto("/meters/readings");
  await field.fill(more(0.25));
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Передать показания" }).click();
  await page.locator("[data-waiting]", { hasText: "ждут отправки" }).waitFor();
  const [[, draft]] = await kept(page);
  assert.ok(!draft.includes(more(0.25)) && !draft.includes(id), "nothing to read");
  assert.equal(JSON.parse(draft).at, Date.parse(typed), "with the moment at which it was typed");
  await page.context().setOffline(false);
  await page.waitForURL(/sent=\d+&once=/);
  await page.getByRole("heading", { name: "Показания приняты" }).waitFor();
  assert.deepEqual(await kept(page), []);
  const after = await rows(page, id);
  assert.equal(after.length, before + 1);
  assert.match(after[0], /снято 21\.11\.2026 в 21:40, отправлено 22\.11\.2026/);
  await page.context().close();
});

test("without a network a page says so, tells of what waits, and sends it when it is opened again", async () => {
  const { page, field, id, more } = await ready();
  const before = (await rows(page, id)).length;
  await page.goto("/meters/readings");
  await field.fill(more(0.25));
  await page.locator(`#meter_${id}_photo`).setInputFiles({ name: "прибор.png", mimeType: "image/png", buffer: PHOTO });
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Передать показания" }).click();
  const waiting = page.locator("[data-waiting]", { hasText: "ждут отправки" }).filter({ hasText: "Фото без связи не сохраняется: приложите его потом ещё раз." });
  await waiting.waitFor();
  await page.goto("/meters/readings");
  await page.getByRole("heading", { name: "Нет связи с интернетом" }).waitFor();
  await waiting.waitFor();
  const text = await page.locator("body").innerText();
  assert.ok(!text.includes(company.resident.email) && !text.includes("Лицевой счет"), text);
  await page.context().setOffline(false);
  await page.waitForURL(/sent=\d+&once=/);
  const after = await rows(page, id);
  assert.equal(after.length, before + 1);
  assert.doesNotMatch(after[0], /Фото/, "the reading came without it");
  await page.context().close();
});

test("when the answer was lost, what the server has is not stored again", async () => {
  const { page, field, id, more } = await ready();
  const before = (await rows(page, id)).length;
  await page.goto("/meters/readings");
  await field.fill(more(0.25));
  // The server stores it; what it answers never arrives.
  let arrived = 0;
  await page.context().route("**/meters/readings", async (route) => {
    if (route.request().method() !== "POST" || arrived > 0) return route.continue();
    const { cookie, "content-type": type } = await route.request().allHeaders();
    const answer = await post(company, "/meters/readings", route.request().postData(), { cookie, "content-type": type });
    assert.equal(answer.status, 303);
    arrived += 1;
    return route.abort("connectionreset");
  });
  await page.getByRole("button", { name: "Передать показания" }).click({ noWaitAfter: true });
  await page.getByRole("heading", { name: "Нет связи с интернетом" }).waitFor();
  assert.equal(arrived, 1);
  // The page looks by itself whether the network is back.
  await page.waitForURL(/sent=\d+&once=/);
  assert.deepEqual(await kept(page), []);
  assert.equal((await rows(page, id)).length, before + 1);
  await page.context().close();
});

test("what waits is of no use to the next person of the device, and is sent when its own comes back", async () => {
  const { page, field, id, more } = await ready();
  const before = (await rows(page, id)).length;
  await page.goto("/meters/readings");
  await field.fill(more(0.25));
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Передать показания" }).click();
  await page.locator("[data-waiting]", { hasText: "ждут отправки" }).waitFor();
  // The page is closed before the network is back, and the session ends.
  const context = page.context();
  await page.close();
  await context.setOffline(false);
  await context.clearCookies();
  const next = await context.newPage();
  await resident(next, "next");
  await next.goto("/meters/readings");
  assert.equal(await next.getByText("ждут отправки").count(), 0);
  const values = await next.evaluate(() => JSON.stringify({ ...localStorage }));
  assert.ok(!values.includes(more(0.25)), values);
  await logOut(next);
  await context.setOffline(true);
  await next.goto("/overview");
  await next.getByRole("heading", { name: "Нет связи с интернетом" }).waitFor();
  assert.equal(await next.getByText("ждут отправки").count(), 0, "nobody is told of it");
  await context.setOffline(false);
  await next.waitForURL((url) => url.pathname === "/");
  await next.getByLabel("Email").fill(company.resident.email);
  await next.getByLabel("Пароль").fill(company.resident.password);
  await next.getByRole("button", { name: "Вход" }).click();
  await next.waitForURL(/sent=\d+&once=/);
  assert.equal((await rows(next, id)).length, before + 1);
  await context.close();
});

test("the portal is an app of the device; no page of a person is kept", async () => {
  const { page } = await ready();
  const manifest = await page.evaluate(async () => (await fetch(document.querySelector("link[rel=manifest]").href)).json());
  assert.equal(manifest.start_url, "/overview");
  assert.ok(manifest.name.length > 5 && /^#[0-9a-f]{6}$/.test(manifest.theme_color), JSON.stringify(manifest));
  const icon = await page.evaluate(async (address) => {
    const answer = await fetch(address);
    const picture = await new Promise((done) => {
      const image = new Image();
      image.onload = () => done([image.naturalWidth, image.naturalHeight]);
      image.onerror = () => done(null);
      image.src = address;
    });
    return { status: answer.status, type: answer.headers.get("content-type"), picture };
  }, manifest.icons[0].src);
  assert.equal(icon.status, 200);
  assert.match(icon.type, /^image\/svg\+xml/);
  assert.ok(icon.picture && icon.picture[0] === icon.picture[1], JSON.stringify(icon));
  for (const path of ["/overview", "/charges", "/documents"]) await page.goto(path);
  const addresses = await page.evaluate(async () => {
    const lists = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return lists.flat().map((request) => new URL(request.url).pathname);
  });
  assert.ok(addresses.includes("/offline"));
  const files = addresses.filter((path) => !/^\/(offline|assets\/|theme\.|brand\/logo\.)/.test(path));
  assert.deepEqual(files, []);
  const text = await page.evaluate(async () => (await caches.match("/offline")).text());
  assert.ok(!text.includes(company.resident.email));
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
