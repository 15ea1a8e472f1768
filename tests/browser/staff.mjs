// What staff do by the API beside the browser: Node resolves no *.localhost, so the host goes along by name.
import { request } from "node:http";
import assert from "node:assert/strict";

// A POST as it stands, without a browser.
export function post(company, path, body, more) {
  const { host, port } = new URL(company.origin);
  const headers = { host, origin: company.origin, "content-type": "application/json", ...more };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: port || 80, path, method: "POST", headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

// The path of the one-meter link of a meter, given by its page.
export async function linkPage(company, meter) {
  const { address } = await staff(company, `${meter}/links`, {});
  return new URL(address).pathname;
}

// An operation of the company's administrator: what it answers.
export async function staff(company, path, body) {
  const login = await post(company, "/api/admin/v1/session", JSON.stringify({ email: company.admin.email, password: company.admin.password }));
  assert.equal(login.status, 204, login.text);
  const cookie = login.headers["set-cookie"][0].split(";")[0];
  const answer = await post(company, `/api/admin/v1${path}`, JSON.stringify(body), { cookie });
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}
