// A walk through the portal by the links and forms of its pages, as whoever is logged in: an address of each page that
// they lead to, and of each set of what may stand behind its question mark.
import { fetched } from "../browser/site.mjs";
import { route } from "./routes.mjs";

// Links to things that are gone, of one kind of page, before it is given up.
const TRIES = 3;

// What kind of page an address is of: «/charges?period»; undefined for what is no page of the portal.
function kind(address) {
  const { pathname, searchParams } = new URL(address);
  const pattern = route(pathname);
  return pattern && [pattern, ...new Set([...searchParams.keys()].sort())].join(" ");
}

// Where the page leads: its links, and its forms with the last of what they let choose.
const onward = (page) =>
  page.evaluate(() => {
    const forms = [...document.forms].map((form) => {
      if (form.method !== "get") return form.action;
      for (const select of form.querySelectorAll("select")) select.selectedIndex = select.options.length - 1;
      const chosen = new URLSearchParams(new FormData(form)).toString();
      return chosen ? `${form.action}?${chosen}` : form.action;
    });
    const all = [...[...document.links].map(({ href }) => href), ...forms];
    return all.filter((address) => new URL(address).origin === location.origin).map((address) => address.split("#")[0]);
  });

async function isPage(page, address) {
  const { status, headers } = await fetched(page, address);
  return status === 200 && (headers["content-type"] ?? "").startsWith("text/html");
}

// `beginnings`, and what the walk from them adds: paths.
export async function walk(page, beginnings) {
  const paths = [...beginnings];
  const tries = new Map();
  const known = new Set(beginnings.map((path) => kind(new URL(path, page.url()).href)));
  // The list grows while it is gone through.
  for (const path of paths) {
    await page.goto(path);
    for (const address of await onward(page)) {
      const its = kind(address);
      if (!its || known.has(its) || tries.get(its) === TRIES) continue;
      tries.set(its, (tries.get(its) ?? 0) + 1);
      if (!(await isPage(page, address))) continue;
      known.add(its);
      const { pathname, search } = new URL(address);
      paths.push(pathname + search);
    }
  }
  return paths;
}
