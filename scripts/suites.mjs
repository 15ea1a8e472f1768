#!/usr/bin/env node
// suites.mjs FLAGS…: builds the workspace's tests with Cargo's FLAGS and runs their programs, as many at once as there
// are processors: one alone leaves processors idle while its last tests wait. What a program printed is shown whole when
// it has ended; at the end stands what failed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline";

// The longest begin first, so that none of them is left over at the end.
const LONGEST = ["reliability", "notifications", "people", "reach", "linking"];

const flags = process.argv.slice(2);
const waiting = await programs();
const turn = ({ name }) => (LONGEST.includes(name) ? LONGEST.indexOf(name) : LONGEST.length);
waiting.sort((one, other) => turn(one) - turn(other));
const failed = [];
await Promise.all(Array.from({ length: availableParallelism() }, work));
if (failed.length > 0) {
	console.log(`\nfailed: ${failed.join(", ")}`);
	process.exit(1);
}

/** The test programs that Cargo has built: name, file, and the folder in which Cargo would run them. */
async function programs() {
	const cargo = spawn("cargo", ["test", ...flags, "--no-run", "--message-format=json-render-diagnostics"], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const ended = once(cargo, "close");
	const found = [];
	for await (const line of createInterface(cargo.stdout)) {
		const { executable: file, profile, target, manifest_path: manifest } = JSON.parse(line);
		if (file && profile?.test) found.push({ name: target.name, file, folder: dirname(manifest) });
	}
	const [status] = await ended;
	if (status !== 0) process.exit(status ?? 1);
	return found;
}

async function work() {
	for (let next = waiting.shift(); next; next = waiting.shift()) await run(next);
}

async function run({ name, file, folder }) {
	const began = Date.now();
	const program = spawn(file, [], {
		cwd: folder,
		env: { ...process.env, CARGO_MANIFEST_DIR: folder },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const said = [];
	for (const stream of [program.stdout, program.stderr]) stream.on("data", (part) => said.push(part));
	const [status, signal] = await once(program, "close");
	console.log(`\n== ${name}, ${Math.round((Date.now() - began) / 1000)} s ==\n${Buffer.concat(said)}`.trimEnd());
	if (status !== 0) failed.push(signal ? `${name} (${signal})` : name);
}
