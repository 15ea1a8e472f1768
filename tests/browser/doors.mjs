// The pages at the doors of the portal, which no address alone opens: a walk to each, as a person walks it. A walk
// yields the name of every page it meets, and the page is judged there.
import { letter, path } from "./mailbox.mjs";
import { CAPTCHA, apply, enter, enterAtGosuslugi, find, fresh, resident } from "./residents.mjs";
import { logIn, logOut } from "./site.mjs";
import { linkPage, staff } from "./staff.mjs";

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

// Presses the button of a form that is to be refused.
async function refused(page, button) {
  await press(page, button);
  await page.getByRole("alert").waitFor();
}

async function toGosuslugi(page, login) {
  await page.goto("/");
  await page.getByRole("link", { name: "Вход через Госуслуги" }).click();
  if (login) await enterAtGosuslugi(page, login);
}

async function* letters(page) {
  const email = fresh("doors");
  await page.goto("/register");
  await refused(page, "Отправить письмо для активации аккаунта");
  yield "refused registration";
  await apply(page, email);
  await page.waitForURL("**/register/sent");
  const activation = path(await letter(email, "Активация"), "/activate");
  await page.goto(activation);
  yield "/activate with its token";
  await press(page, "Активировать личный кабинет");
  await page.getByRole("status").waitFor();
  yield "activated";
  await page.goto(activation);
  yield "/activate with a used token";
  await apply(page, email);
  await page.getByRole("alert").waitFor();
  yield "registration of a known e-mail";

  await page.goto("/recover");
  await refused(page, "Отправить письмо");
  yield "refused recovery";
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Код с картинки").fill(CAPTCHA);
  await press(page, "Отправить письмо");
  await page.waitForURL("**/recover/sent");
  const recovery = path(await letter(email, "Восстановление"), "/recover/new");
  await page.goto(recovery);
  yield "/recover/new with its token";
  await refused(page, "Сохранить пароль");
  yield "refused new password";
  await page.getByLabel("Новый пароль", { exact: true }).fill("новая заводь у моста");
  await page.getByLabel("Новый пароль ещё раз").fill("новая заводь у моста");
  await press(page, "Сохранить пароль");
  await page.getByRole("status").waitFor();
  await page.goto(recovery);
  yield "/recover/new with a used token";

  await enter(page, email, "новая заводь у моста");
  await page.waitForURL("**/overview");
  yield "/overview without accounts";
  await page.goto("/accounts");
  yield "/accounts without accounts";
  await page.goto("/settings");
  const next = fresh("moved");
  await page.getByLabel("Логин/Email").fill(next);
  await page.getByRole("button", { name: "Сохранить изменения" }).first().click();
  await page.getByText("ждёт активации").waitFor();
  yield "/settings with an e-mail that waits";
  const change = path(await letter(next, "Подтвердите"), "/settings/email");
  await page.goto(change);
  yield "/settings/email with its token";
  await press(page, "Подтвердить адрес");
  await page.getByRole("status").waitFor();
  await page.goto(change);
  yield "/settings/email with a used token";
}

async function* comingFromGosuslugi(page, company) {
  await toGosuslugi(page);
  yield "the choice of a person";
  await refused(page, "Войти");
  yield "refused login at the stand-in";
  await enterAtGosuslugi(page, fresh("doors-esia"));
  await page.waitForURL("**/esia/join");
  yield "/esia/join: consent";
  await refused(page, "Создать личный кабинет");
  yield "/esia/join: no consent";
  await page.getByRole("checkbox").check();
  await press(page, "Создать личный кабинет");
  await page.waitForURL("**/overview");
  for (const where of ["/settings", "/esia/link", "/esia/unlink"]) {
    await page.goto(where);
    yield `${where} of a person without a password`;
  }
  await logOut(page);

  await toGosuslugi(page, `resident-${company.slug}`);
  await page.waitForURL("**/esia/join");
  yield "/esia/join: password";
  await refused(page, "Привязать и войти");
  yield "/esia/join: no password";

  const phone = String(Date.now());
  const email = fresh("doors-phone");
  await toGosuslugi(page, phone);
  await page.waitForURL("**/esia/join");
  yield "/esia/join: e-mail";
  await refused(page, "Отправить письмо");
  yield "/esia/join: no e-mail";
  await page.getByLabel("Email").fill(email);
  await page.getByRole("checkbox").check();
  await press(page, "Отправить письмо");
  await page.waitForURL("**/esia/join/sent");
  yield "/esia/join/sent";
  await page.goto(path(await letter(email, "Подтвердите"), "/esia/confirm"));
  yield "/esia/confirm";
}

async function* linkingGosuslugi(page, company) {
  await toGosuslugi(page);
  await press(page, "Отказать в доступе");
  await page.getByRole("alert").waitFor();
  yield "a refusal at Gosuslugi";
  await logIn(page, company);
  await page.goto("/esia/link");
  yield "/esia/link";
  await press(page, "Привязать +");
  await enterAtGosuslugi(page, "uproshennaya@mail.example");
  await page.getByRole("alert").waitFor();
  yield "linking an account that is not confirmed";
  await logOut(page);
  await resident(page, "doors-linked");
  await page.goto("/settings");
  await press(page, "Привязать +");
  await enterAtGosuslugi(page, fresh("doors-link"));
  await page.waitForURL("**/settings");
  yield "/settings with Gosuslugi linked";
  await page.goto("/esia/unlink");
  yield "/esia/unlink";
}

async function* linking(page, company) {
  const offered = company.unlinked[6];
  const helper = await resident(page, "doors-helps");
  await logOut(page);
  const owner = await resident(page, "doors-links");
  await page.goto("/accounts/link");
  await refused(page, "Найти");
  yield "/accounts/link: no account";
  await find(page, offered);
  yield "/accounts/link: the proof";
  await refused(page, "+ Привязать лицевой счет");
  yield "/accounts/link: no proof";
  await page.getByLabel("Фамилия собственника или нанимателя").fill(offered.surname);
  await press(page, "+ Привязать лицевой счет");
  await page.waitForURL("**/overview");
  yield "/overview of a newly linked account";

  await page.goto("/accounts");
  await page.getByRole("link", { name: /Доступ помощника/ }).click();
  await page.waitForURL("**/helpers");
  yield "/accounts/:id/helpers";
  await refused(page, "Отправить приглашение");
  yield "refused invitation";
  await page.getByLabel("Email").fill(helper);
  await page.getByRole("radio").last().check();
  await page.getByLabel("До какого дня").fill("30.11.2026");
  await press(page, "Отправить приглашение");
  await page.getByRole("status").waitFor();
  yield "/accounts/:id/helpers with a helper who is awaited";
  const invitation = path(await letter(helper, "Вас просят"), "/accounts/invitation");
  await page.goto(invitation);
  yield "an invitation for somebody else";
  await logOut(page);
  await page.goto(invitation);
  yield "an invitation before the login";
  await enter(page, helper);
  await page.goto(invitation);
  yield "an invitation";
  await press(page, "Принять приглашение");
  await page.getByRole("status").waitFor();
  yield "readings of a helper";
  await page.goto("/accounts");
  yield "/accounts of a helper";
  await logOut(page);

  await enter(page, owner);
  await page.waitForURL("**/overview");
  await page.goto("/accounts");
  await page.getByRole("link", { name: /Доступ помощника/ }).click();
  await page.waitForURL("**/helpers");
  yield "/accounts/:id/helpers with a helper";
  await page.goto("/accounts");
  await press(page, `Х: отвязать лицевой счет ${offered.account}`);
  await page.waitForURL("**/unlink*");
  yield "/accounts/:id/unlink";
  await press(page, "Подтвердить");
  await page.getByRole("status").waitFor();
}

async function* readings(page, company) {
  const offered = company.unlinked[5];
  await page.goto("/readings");
  await refused(page, "Вход");
  yield "refused search";
  await page.getByLabel("Номер лицевого счета").fill(offered.account);
  await page.getByLabel("№ дома").fill(offered.house);
  await page.getByLabel("№ квартиры").fill(offered.flat);
  await page.getByLabel("Код с картинки").fill(CAPTCHA);
  await press(page, "Вход");
  await page.waitForURL("**/readings/submit");
  yield "/readings/submit";
  const volume = page.locator('input[name$="_delta"]').first();
  const meter = (await volume.getAttribute("name")).split("_")[1];
  await volume.fill("сто");
  await refused(page, "Передать показания");
  yield "refused readings of a guest";
  await volume.fill("90000");
  await press(page, "Передать показания");
  await page.locator(".doubt").waitFor();
  yield "a doubtful reading of a guest";
  await volume.fill("0,01");
  await press(page, "Передать показания");
  await page.getByRole("status").waitFor();
  yield "readings of a guest are taken";

  await page.goto(await linkPage(company, `/meters/${meter}`));
  yield "/readings/link/:token";
  await page.locator('input[name*="_value"]').first().fill("0");
  await page.locator(".zone__use", { hasText: "Меньше" }).waitFor();
  yield "/readings/link/:token while a reading is typed";
  await refused(page, "Передать показание");
  yield "/readings/link/:token refused";
  for (const zone of await page.locator(".zone").all()) {
    const last = Number(await zone.getAttribute("data-last")) / 1e7;
    await zone.locator("input").fill((last + 0.01).toFixed(3).replace(".", ","));
  }
  await press(page, "Передать показание");
  await page.getByRole("status").waitFor();
  yield "/readings/link/:token taken";
}

// A request at its end, and what is older than a page.
async function* requests(page, company) {
  await logIn(page, company);
  await page.goto("/requests/new?kind=appeal");
  const subject = `Дверь ${Date.now()}`;
  await page.getByLabel("Тема").fill(subject);
  await page.getByLabel("Текст обращения").fill("Не закрывается");
  await press(page, "Отправить");
  await page.waitForURL("**/requests");
  const request = await page.getByRole("link", { name: subject }).getAttribute("href");
  await staff(company, `${request}/accept`, {});
  await staff(company, `${request}/state`, { state: "done", text: "Петли смазали" });
  await page.goto(request);
  yield "a request that is done";
  await refused(page, "Оценить");
  yield "refused rating";
  await page.goto(request);
  await refused(page, "Вернуть в работу");
  yield "refused opening again";
  await page.goto(request);
  await page.getByRole("radio").first().check();
  await press(page, "Оценить");
  await page.getByRole("status").waitFor();
  yield "a request that is rated";
  await page.goto("/requests?list=ended");
  yield "/requests that ended";
}

// The link of a letter, and the code for a bot, where the server under test has one.
async function* notices(page, company) {
  const title = `Домофон ${Date.now()}`;
  const draft = await staff(company, "/notifications", { title, body: "Работает с **10:00**.", audience: { to: "all" }, channels: ["email"] });
  await staff(company, `/notifications/${draft.id}/send`, {});
  await page.goto(path(await letter(company.resident.email, title), "/notifications/unsubscribe"));
  await page.getByRole("button", { name: "Не присылать" }).waitFor();
  yield "/notifications/unsubscribe with its token";
  await logIn(page, company);
  await page.goto("/notifications/preferences");
  if (process.env.KABINET_TEST_BOT) {
    await press(page, `Получить код для ${process.env.KABINET_TEST_BOT}`);
    await page.getByText("Код действует").waitFor();
    yield "/notifications/preferences with a code for a bot";
  }
}

// What is refused of what a resident may choose; an application only where the company takes any.
async function* choices(page, company) {
  await logIn(page, company);
  await page.goto("/notifications/preferences");
  await page.getByLabel("Не присылать в эти часы").check();
  await page.getByLabel("С какого часа").fill("99");
  await refused(page, "Сохранить изменения");
  yield "refused preferences";
  await page.goto("/accounts");
  const unset = page.getByRole("checkbox", { checked: false });
  if ((await unset.count()) === 0) return;
  await unset.first().click();
  await page.getByLabel("Подписывает").fill("");
  await refused(page, "Подтвердить");
  yield "refused application for receipts by e-mail";
}

async function* stale(page) {
  await page.goto("/");
  await page.context().clearCookies();
  await press(page, "Вход");
  await page.getByRole("heading", { level: 1, name: "Страница устарела" }).waitFor();
  yield "a form of a session that is over";
}

export const doors = {
  "registering, recovering access and moving to another e-mail by letters": letters,
  "coming from Gosuslugi for the first time": comingFromGosuslugi,
  "linking Gosuslugi, unlinking it and what may be refused": linkingGosuslugi,
  "linking an account, calling a helper and unlinking": linking,
  "readings without a login": readings,
  "a request that is done": requests,
  "a letter that may be ended and a bot that may be linked": notices,
  "choices that are refused": choices,
  "a form that was open too long": stale,
};
