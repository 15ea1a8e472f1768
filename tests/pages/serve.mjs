// serve.mjs COMMAND...: runs the command beside a new demo, whose address and logins it gets in the environment.
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, root } from "./program.mjs";

const READY_SECONDS = 120;

const freePort = () =>
  new Promise((found, failed) => {
    const server = createServer().once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

const folder = mkdtempSync(join(tmpdir(), "kabinet-pages-"));
const log = join(folder, "server.log");
const [listen, management] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
const server = spawn(binary, ["serve", "--demo"], {
  cwd: root,
  // As in tests/src/server.rs: inside every company's readings window, a captcha that a machine may solve, any address.
  env: {
    ...process.env,
    KABINET_DATA__DIR: join(folder, "data"),
    KABINET_SERVER__LISTEN: listen,
    KABINET_SERVER__MANAGEMENT: management,
    KABINET_SERVER__TRUSTED_PROXIES: '["127.0.0.1"]',
    KABINET_DEMO__NOW: "2026-11-22",
    KABINET_DEMO__CAPTCHA_ANSWER: "314159",
  },
  stdio: ["ignore", openSync(log, "a"), openSync(log, "a")],
});
const ended = new Promise((done) => server.once("exit", done).once("error", done));

async function ready() {
  for (const until = Date.now() + READY_SECONDS * 1000; Date.now() < until; ) {
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return false;
    const answer = await fetch(`http://${management}/readyz`).catch(() => null);
    if (answer?.ok) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}

async function leave(status) {
  server.kill();
  await ended;
  rmSync(folder, { recursive: true, force: true });
  process.exit(status);
}

if (!(await ready())) {
  console.error(`${binary} is not ready\n${readFileSync(log, "utf8").split("\n").slice(-40).join("\n")}`);
  await leave(1);
}
const env = { ...process.env, KABINET_TEST_URL: `http://${listen}`, KABINET_TEST_DEMO: join(folder, "data/demo.json") };
const command = spawn(process.argv[2], process.argv.slice(3), { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => command.kill(signal));
command.once("exit", (status) => leave(status ?? 1)).once("error", (error) => {
  console.error(String(error));
  leave(1);
});
