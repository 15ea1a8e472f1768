// The portal's table of pages, as the program itself tells it, and what of it nobody has looked at.
import { execFileSync } from "node:child_process";
import { fetched } from "../browser/site.mjs";
import { binary, root } from "./program.mjs";

// Addresses that show no page of their own, and what they are instead.
const NO_PAGES = new Map([
  ["/login", "leads to the start page"],
  ["/esia/login", "leads to Gosuslugi"],
  ["/esia/callback", "leads from Gosuslugi to /esia/join or /overview"],
  ["/esia/join/consent", "leads to /esia/join"],
  ["/esia/join/password", "leads to /esia/join"],
  ["/esia/join/email", "leads to /esia/join"],
  ["/documents/:period", "a receipt"],
  ["/documents/:period/:kind", "a receipt"],
  ["/accounts/:id/paperless/:file", "an application"],
  ["/meters/:id/photos/:photo", "a picture"],
  ["/requests/:id/files/:file", "a file"],
  ["/settings/export/:token", "a file"],
]);

// Those without a place for an identifier first: they are meant where both would fit.
const places = (pattern) => pattern.split(":").length - 1;
const patterns = execFileSync(binary, ["pages"], { cwd: root, encoding: "utf8" }).trim().split("\n").sort((a, b) => places(a) - places(b));
const table = patterns.map((pattern) => ({ pattern, fits: new RegExp(`^${pattern.replace(/:\w+/g, "[^/]+")}$`) }));

// The row of the table that answers a path; undefined where none does.
export const route = (pathname) => table.find(({ fits }) => fits.test(pathname))?.pattern;

// What is wrong with having seen the rows `seen` alone. Addresses that only take forms have no page.
export async function unseen(page, seen) {
  const wrong = [...NO_PAGES.keys()].filter((pattern) => !patterns.includes(pattern)).map((pattern) => `${pattern} is no address of the portal any more`);
  for (const pattern of patterns.filter((one) => !seen.has(one) && !NO_PAGES.has(one))) {
    const { status } = await fetched(page, pattern.replace(/:\w+/g, "none"));
    if (status !== 405) wrong.push(`${pattern}: no address of such a page was found`);
  }
  return wrong;
}
