// Neo4j Browser over the demo's world: connect, take the style, run a saved script, see the styled graph.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { KEY, launch, shot, URL_ } from "./browser.mjs";

const { NEO4J_BROWSER, NEO4J_PASSWORD } = process.env;
const picture = process.argv[2];
const asked = await fetch(`${URL_}/graphql`, {
  method: "POST",
  headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
  body: JSON.stringify({ query: "{ clusters(first: 1, orderBy: {field: SIZE, direction: DESC}) { edges { node { id } } } }" }),
});
const CLUSTER = (await asked.json()).data.clusters.edges[0].node.id;
const kit = (name) => readFileSync(new URL(`../../cypher/browser/${name}`, import.meta.url), "utf8");
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const elsewhere = [];
await context.route("**/*", (route) => {
  const url = route.request().url();
  if (url.startsWith(new URL(NEO4J_BROWSER).origin) || url.startsWith("data:") || url.startsWith("blob:")) return route.continue();
  elsewhere.push(new URL(url).host);
  return route.abort();
});
const page = await context.newPage();
await page.goto(NEO4J_BROWSER);
const bolt = new URL(new URL(NEO4J_BROWSER).searchParams.get("dbms")).host;
await page.locator("input[type=password]").fill(NEO4J_PASSWORD);
await page.keyboard.press("Enter");
await page.getByText("You are connected as user").first().waitFor();
console.log("browser: connected");

const run = async (text) => {
  await page.locator(".monaco-editor textarea, [contenteditable=true], .cm-content").first().click();
  await page.keyboard.insertText(text);
  await page.keyboard.press("Control+Enter");
};
await run(":style");
await page.waitForTimeout(1500);
await shot(page, "browser-1-style");
const file = await page.evaluateHandle((text) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "style.grass", { type: "text/plain" }));
  return data;
}, kit("style.grass"));
for (const kind of ["dragenter", "dragover", "drop"]) {
  const place = page.getByText(/drop a .*gra?ss/i).first();
  await ((await place.count()) ? place : page.locator("[data-testid=editor], .monaco-editor").first()).dispatchEvent(kind, { dataTransfer: file });
}
await page.waitForTimeout(1500);
await run(`:param cluster => "${CLUSTER}"`);
await page.waitForTimeout(1500);
await run(kit("02_look_at_a_cluster.cypher").split("\n").filter((line) => !line.startsWith("//")).join(" "));
await page.getByText(/Displaying \d+ nodes/).first().waitFor({ timeout: 30_000 });
await page.waitForTimeout(6000); // the layout comes to rest
await shot(page, "browser-2-cluster");
if (picture) await page.screenshot({ path: picture, clip: { x: 60, y: 65, width: 1220, height: 550 } });
const fills = await page.locator("svg circle").evaluateAll((all) => [...new Set(all.map((each) => (each.getAttribute("fill") ?? "").toUpperCase()))]);
const others = [...new Set(elsewhere)].filter((each) => each !== bolt);
console.log(`browser: script 02 drawn in ${fills.length} colours; Neo4j Browser itself asked for ${others.join(", ") || "no other host"} (refused here)`);
assert.ok(fills.includes("#5B7085"), "accounts have the colour of the style");
await browser.close();
