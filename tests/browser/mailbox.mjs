// The demo's mailbox, as a person reads it: the latest letter to an address, the path of its link.
import { request } from "node:http";
import assert from "node:assert/strict";

const url = new URL(process.env.KABINET_TEST_URL ?? "http://127.0.0.1:8080");

function messages(to) {
  const options = { host: url.hostname, port: url.port, path: `/api/messages?to=${encodeURIComponent(to)}`, headers: { Host: `mail.localhost:${url.port}` } };
  return new Promise((resolve, reject) => {
    const asked = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => resolve(JSON.parse(text)));
    });
    asked.on("error", reject).end();
  });
}

export async function letter(to, subject) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = (await messages(to)).find((message) => message.subject.includes(subject));
    if (found) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
  return assert.fail(`no letter «${subject}» to ${to}`);
}

// The path and query of the letter's first link that contains `part`.
export function path(message, part) {
  const links = message.text.match(/https?:\/\/\S+/g) ?? [];
  const link = links.find((one) => one.includes(part));
  assert.ok(link, `no link to ${part} in ${message.text}`);
  const { pathname, search } = new URL(link);
  return pathname + search;
}
