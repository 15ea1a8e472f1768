// What a visit costs a slow line: requests and bytes as they cross it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { companies, launch, logIn, open } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function measured(page, path) {
  const session = await page.context().newCDPSession(page);
  const answers = new Map();
  await session.send("Network.enable");
  session.on("Network.responseReceived", ({ requestId, response, type }) => {
    if (response.url.startsWith("http") && !response.fromDiskCache && !response.fromPrefetchCache) answers.set(requestId, { url: response.url, type, bytes: 0 });
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (answers.has(requestId)) answers.get(requestId).bytes = encodedDataLength;
  });
  await page.goto(path, { waitUntil: "networkidle" });
  await session.detach();
  const list = [...answers.values()];
  const bytes = (type) => list.filter((answer) => !type || answer.type === type).reduce((sum, answer) => sum + answer.bytes, 0);
  return { requests: list.length, bytes: bytes(), html: bytes("Document"), css: bytes("Stylesheet"), js: bytes("Script"), list };
}

for (const company of companies) {
  test(`${company.slug}: a first visit is at most 40 kB in 5 requests, a repeated one 15 kB`, async (t) => {
    // Without the service worker: behind it the browser does not tell what crossed the line.
    const page = await open(browser, company, { serviceWorkers: "block" });
    const first = await measured(page, "/");
    t.diagnostic(`first visit: ${first.requests} requests, ${first.bytes} bytes (html ${first.html}, css ${first.css}, js ${first.js})`);
    assert.ok(first.requests <= 5, JSON.stringify(first.list));
    assert.ok(first.bytes <= 40_000, JSON.stringify(first.list));
    assert.ok(first.html <= 14_000 && first.css <= 12_000 && first.js <= 5_000, JSON.stringify(first.list));
    const again = await measured(page, "/");
    t.diagnostic(`repeated: ${again.requests} requests, ${again.bytes} bytes`);
    assert.ok(again.bytes <= 15_000, JSON.stringify(again.list));
    await logIn(page, company);
    for (const path of ["/overview", "/charges", "/meters/readings"]) {
      const inside = await measured(page, path);
      t.diagnostic(`${path}: ${inside.requests} requests, ${inside.bytes} bytes`);
      assert.ok(inside.html <= 14_000 && inside.bytes <= 15_000, `${path}: ${JSON.stringify(inside.list)}`);
    }
    await page.context().close();
  });
}
