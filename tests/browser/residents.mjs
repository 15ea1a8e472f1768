// People made for a test: registered by the pages, as everybody is.
import { letter, path } from "./mailbox.mjs";

// What the server under test accepts for every captcha (`demo.captcha_answer`).
export const CAPTCHA = process.env.KABINET_TEST_CAPTCHA ?? "314159";
export const PASSWORD = "тихая заводь у моста";

let number = 0;

export const fresh = (name) => `${name}-${process.pid}-${(number += 1)}@browser.example`;

export async function apply(page, email) {
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

export async function enter(page, email, password = PASSWORD) {
  await page.goto("/");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Пароль").fill(password);
  await page.getByRole("button", { name: "Вход", exact: true }).click();
}

// Presses the button behind the activation letter's link.
export async function activate(page, email) {
  await page.waitForURL("**/register/sent");
  await page.goto(path(await letter(email, "Активация"), "/activate"));
  await page.getByRole("button", { name: "Активировать личный кабинет" }).click();
  await page.getByRole("status").waitFor();
}

// A newcomer, logged in and on the overview: the e-mail.
export async function resident(page, name) {
  const email = fresh(name);
  await apply(page, email);
  await activate(page, email);
  await enter(page, email);
  await page.waitForURL("**/overview");
  return email;
}

// Logs in at the stand-in for Gosuslugi, to which a button or a link of the portal has led.
export async function enterAtGosuslugi(page, login) {
  await page.getByRole("heading", { name: "Госуслуги (демонстрация)" }).waitFor();
  await page.getByLabel("Логин").fill(login);
  await page.getByLabel("Пароль").fill("любой");
  await page.getByRole("button", { name: "Войти", exact: true }).click();
}

// The first step of «Привязка лицевого счета», for one of the demo's accounts that nobody has linked.
export async function find(page, offered) {
  await page.getByLabel("Номер лицевого счета").fill(`л/с № ${offered.account}`.slice(0, 40));
  await page.getByLabel("№ дома").fill(offered.house.toLowerCase());
  await page.getByLabel("№ квартиры").fill(offered.flat);
  await page.getByLabel("Номер лицевого счета").fill(offered.account);
  await page.getByRole("button", { name: "Найти" }).click();
  await page.getByRole("button", { name: "+ Привязать лицевой счет" }).waitFor();
}
