// Neo4j Browser over the demo's world: the guide slide by slide, its figures, the scripts imported and run, the style.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { launch, shot, URL_ } from "./browser.mjs";

const { NEO4J_BROWSER, NEO4J_PASSWORD } = process.env;
const pictures = process.argv[2]; // where the pictures of the docs go, if they are to be made
const KIT = new URL("../../cypher/browser/", import.meta.url);
const SCRIPTS = readdirSync(KIT).filter((name) => name.endsWith(".cypher")).sort();
const TITLES = SCRIPTS.map((name) => readFileSync(new URL(name, KIT), "utf8").split("\n")[0].slice(3));
const ACCOUNTS = "#5B7085"; // their colour in the style

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1600, height: 900 }, acceptDownloads: true });
const page = await context.newPage();
// Nothing is intercepted: the browser itself asks the service whether Neo4j Browser may read the guide, and refuses what
// the policy that the managed server sends forbids.
const asked = new Set();
const refused = new Map();
const host = (request) => new URL(request.url()).host;
page.on("request", (request) => /^(http|ws)/.test(request.url()) && asked.add(host(request)));
page.on("requestfailed", (request) => refused.set(host(request), request.failure().errorText));

const frames = page.getByTestId("frame");
const done = /Displaying [\d,]+ nodes|Started streaming|Successfully set your parameters|diameter: |Completed after/;
const colours = () => frames.first().locator("circle.b-outline").evaluateAll((all) => [...new Set(all.map((each) => each.getAttribute("fill").toUpperCase()))]);

/** What the frame says that `act` opens. */
async function opened(act, name) {
  const newest = await frames.first().elementHandle();
  await act();
  await page.waitForFunction((before) => document.querySelector('[data-testid="frame"]') !== before, newest);
  const text = await page.waitForFunction((pattern) => {
    const frame = document.querySelector('[data-testid="frame"]');
    const failed = frame.querySelector('[data-testid="cypherFrameErrorMessage"]') || /^ERROR/m.test(frame.innerText);
    if (failed) throw new Error(frame.innerText);
    return new RegExp(pattern).test(frame.innerText) && frame.innerText;
  }, done.source);
  if (await frames.first().locator("svg circle").count()) await page.waitForTimeout(4000); // the layout comes to rest
  await shot(page, name);
  return text.jsonValue();
}

/** Type it into the editor and run it. */
async function run(text) {
  await page.locator(".monaco-editor textarea").first().focus();
  await page.keyboard.insertText(text);
  await page.keyboard.press("Control+Enter");
}

/** Drop a file into the window. */
async function drop(name, bytes) {
  const data = await page.evaluateHandle(([name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    return transfer;
  }, [name, [...bytes]]);
  for (const kind of ["dragenter", "dragover", "drop"]) await page.locator(".filedrop").dispatchEvent(kind, { dataTransfer: data });
}

const picture = async (name, clip) => pictures && page.screenshot({ path: `${pictures}/${name}.png`, clip });

// The address opens the guide before there is a connection.
await page.goto(`${NEO4J_BROWSER}&cmd=guide&arg=http://localhost:${new URL(URL_).port}/browser/guide`);
const drawer = page.getByTestId("guidesDrawer");
await drawer.getByText("The hydra, step by step").first().waitFor();
await page.getByTestId("password").fill(NEO4J_PASSWORD);
await page.keyboard.press("Enter");
await page.getByText("You are connected as user").first().waitFor();

let [slides, statements, figures, archive] = [0, 0, 0, null];
for (const next = drawer.getByTestId("guideNextSlide"); ; await next.click()) {
  slides++;
  const boxes = drawer.locator("pre.runnable");
  const seen = new Set();
  for (let i = 0; i < (await boxes.count()); i++) {
    const text = await opened(() => boxes.nth(i).locator("i").click(), `guide-${String(slides).padStart(2, "0")}-${i + 1}`);
    for (const figure of text.match(/-?\d[\d.]*(?<!\.)/g) ?? []) seen.add(figure);
    statements++;
  }
  for (const figure of await drawer.locator("b").allTextContents()) {
    assert.ok(seen.has(figure.replaceAll(",", "")), `slide ${slides} tells of ${figure}, which its statements do not show`);
    figures++;
  }
  if (slides === 4) {
    assert.ok((await colours()).includes(ACCOUNTS), "accounts have the colour of the style");
    await picture("browser-guide", { x: 0, y: 0, width: 1600, height: 620 });
  }
  if (await next.isDisabled()) {
    const [download] = await Promise.all([page.waitForEvent("download"), drawer.getByText("download them").click()]);
    archive = readFileSync(await download.path());
    await shot(page, `guide-${slides}`);
    break;
  }
}
console.log(`browser: ${slides} slides, ${statements} statements run by a click, ${figures} figures seen`);

// All scripts at once, and one alone.
await page.getByTestId("navigationFavorites").click();
await drop("graphsvc-scripts.zip", archive);
const folder = page.getByTestId("savedScriptsFolder-graphsvc");
await folder.getByTestId("expandFolder-graphsvc").click();
const items = folder.getByTestId("savedScriptListItem");
assert.deepEqual(await folder.locator('[data-testid^="scriptTitle-"]').allTextContents(), TITLES);
for (let i = 0; i < SCRIPTS.length; i++) {
  await items.nth(i).hover();
  await opened(() => items.nth(i).getByTestId("savedScriptsButton-Run").click(), `script-${String(i + 1).padStart(2, "0")}`);
}
await picture("browser-scripts", { x: 0, y: 0, width: 1600, height: 620 });
await drop(SCRIPTS[0], readFileSync(new URL(SCRIPTS[0], KIT)));
await page.getByText("Save to favorites").click();
await page.getByTestId(`scriptTitle-${TITLES[0]}`).nth(1).waitFor();
console.log(`browser: ${TITLES.length} scripts imported by one file, listed by their first lines, and run from there`);

// The style by itself, from a file.
await run(":style reset");
await opened(() => drop("style.grass", readFileSync(new URL("style.grass", KIT))), "style");
await page.getByTestId("navigationFavorites").click(); // closes the drawer
await items.first().waitFor({ state: "detached" });
await page.setViewportSize({ width: 1280, height: 900 });
await opened(() => run(readFileSync(new URL("02_look_at_a_cluster.cypher", KIT), "utf8")), "cluster");
assert.ok((await colours()).includes(ACCOUNTS), "accounts have the colour of the style");
await picture("browser", { x: 60, y: 65, width: 1220, height: 550 });

const own = ["127.0.0.1", "localhost"];
const others = [...asked].filter((each) => !own.includes(each.split(":")[0]));
for (const each of others) assert.equal(refused.get(each), "csp", `${each} was asked`);
console.log(`browser: Neo4j Browser wanted to ask ${others.join(", ") || "no other host"}; its page may not`);
await browser.close();
