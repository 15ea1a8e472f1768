// What is wrong with a page as it stands: WCAG 2.2 AA by axe, and whether it runs out of the screen.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"] };
// All that other colours alone can break: the rest of the rules looks at words and boxes.
const OF_COLOURS = { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] }, resultTypes: ["violations"] };
// Colours are asked for at one width: they are the same at all.
const WITHOUT_COLOURS = { ...RULES, rules: { "color-contrast": { enabled: false } } };

export const faults = (page, label) => broken(page, label, RULES);
export const faultsOfBoxes = (page, label) => broken(page, label, WITHOUT_COLOURS);
export const beyondTheEdge = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
export const faultsOfColours = (page, label) => broken(page, label, OF_COLOURS);

async function broken(page, label, rules) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  // Only what is wrong leaves the page: the whole of what axe tells takes longer than finding it.
  const found = await page.evaluate(async (rules) => {
    const { violations } = await axe.run(rules);
    return violations.flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  }, rules);
  const beyond = await beyondTheEdge(page);
  if (beyond > 0) found.push(`scrolls sideways by ${beyond} px`);
  return found.map((fault) => `${label}: ${fault}`);
}
