// Builds ../assets/portal.css and portal.js, the same byte for byte from the same sources.
// `--check` compares instead of writing and fails when a committed file is not what the sources give.
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import path from "node:path";
import * as sass from "sass";
import { minify } from "terser";

const here = path.dirname(fileURLToPath(import.meta.url));
const assets = path.join(here, "../assets");
// Script and worker together: 5 kB.
const LIMITS = { "portal.css": 12 * 1024, "portal.js": 4.5 * 1024, "sw.js": 0.5 * 1024 };

function style() {
  const { css } = sass.compile(path.join(here, "scss/portal.scss"), {
    style: "compressed",
    loadPaths: [path.join(here, "node_modules")],
    quietDeps: true,
    charset: false,
  });
  // Every functional colour is defined in the sheet itself: its fallback is dead weight.
  return css.replace(/var\((--govuk-[a-z-]+-colour),\s*#[0-9a-f]{3,8}\)/g, "var($1)").trim() + "\n";
}

async function script(name) {
  const source = await readFile(path.join(here, "js", name), "utf8");
  const { code } = await minify(source, { ecma: 2018, toplevel: true, format: { comments: false } });
  return code + "\n";
}

const check = process.argv.includes("--check");
let failed = false;
for (const [name, text] of [["portal.css", style()], ["portal.js", await script("portal.js")], ["sw.js", await script("sw.js")]]) {
  const file = path.join(assets, name);
  const size = gzipSync(text, { level: 9 }).length;
  console.log(`${name}: ${text.length} bytes, ${size} gzip (limit ${LIMITS[name]})`);
  if (size > LIMITS[name]) {
    console.error(`${name} is over its budget`);
    failed = true;
  }
  if (!check) await writeFile(file, text);
  else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
    console.error(`${name} is not what the sources give: run npm run build`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
