// The program under test: $KABINET_BIN, else the release build.
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const binary = resolve(root, process.env.KABINET_BIN ?? join(process.env.CARGO_TARGET_DIR ?? "target", "release/kabinet"));
