// What a visit costs a slow line: requests and bytes as they cross it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { companies, launch, logIn, open } from "./site.mjs";
import { measured } from "./transfer.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

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
