// What an investigator does, in a real browser against a real service; then every page by axe, in both widths and schemes.
import assert from "node:assert/strict";
import { drawn, KEY, launch, open, settled, shot, signIn, URL_, violations } from "./browser.mjs";

const browser = await launch();
const said = (line) => console.log(`console: ${line}`);
const everywhere = [];
let places = [];

async function investigate() {
  const { page, context, elsewhere, wrong } = await open(browser);
  everywhere.push(elsewhere, wrong);
  await page.goto(URL_);
  await shot(page, "1-sign-in");
  await page.getByLabel("API key").fill("wrong.key");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  wrong.length = 0; // the browser notes the refusal it was made to get
  await signIn(page);
  said("signed in");

  await page.getByLabel("Accounts, at least").fill("10000");
  await page.getByLabel("Accounts, at least").press("Tab");
  await page.waitForURL(/minSize=10000/);
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await shot(page, "2-filtered");
  await page.locator("h1").press("j");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "A");
  await page.keyboard.press("Enter"); // the keyboard alone opens it
  await drawn(page);
  const cluster = (await page.locator("h1 code").textContent()).trim();
  await settled(page);
  await page.waitForTimeout(1500); // the layout comes to rest
  await shot(page, "3-cluster");
  said(`opened ${cluster}`);

  const size = Number((await page.locator(".facts").first().textContent()).match(/Accounts([\d,]+)/)[1].replaceAll(",", ""));
  const sizes = async () => (await page.locator("details td.number:nth-child(3)").allTextContents()).map((each) => Number(each.replaceAll(",", "")));
  assert.equal((await sizes()).reduce((sum, each) => sum + each, 0), size, "the groups add up to the cluster");
  await page.getByText(/The \d+ groups, to open/).click();
  const inner = (await sizes())[0];
  await page.getByRole("button", { name: /^Open the / }).first().click();
  await page.waitForURL(/level=/);
  await page.getByText(/^Opened: smaller groups/).waitFor();
  await drawn(page);
  await settled(page);
  assert.equal((await sizes()).reduce((sum, each) => sum + each, 0), inner, "the second level adds up to what was opened");
  await shot(page, "4-level");
  await page.goBack();
  await drawn(page);
  await settled(page);
  said("a level opens and adds up");

  const evidence = page.getByRole("region", { name: "Shared signals" });
  const bits = (await evidence.locator("tbody tr td:nth-child(7)").allTextContents()).map(Number);
  assert.ok(bits.length > 5 && bits.every((each) => Number.isFinite(each)));
  await page.getByRole("heading", { name: "Why" }).scrollIntoViewIfNeeded();
  await shot(page, "5-evidence");
  await evidence.getByRole("button", { name: /^Without / }).first().click();
  const answer = page.locator("[data-test=counterfactual] .lead");
  await answer.first().waitFor({ timeout: 60_000 });
  assert.match(await answer.first().textContent(), /accounts/);
  await answer.first().scrollIntoViewIfNeeded();
  await shot(page, "6-counterfactual");
  said(`counterfactual: ${await answer.first().textContent()}`);

  await page.getByRole("button", { name: "99 %", exact: true }).click();
  await page.getByRole("region", { name: "Plan in stages" }).waitFor({ timeout: 60_000 });
  await shot(page, "7-blast-radius");

  await page.getByLabel("Why (kept with the decision)").fill("A test of the console.");
  await page.getByRole("button", { name: "dismissed", exact: true }).click();
  await page.getByText("It is dismissed now.").waitFor();
  await page.locator(".facts .status.dismissed").waitFor();
  await shot(page, "8-dismissed");
  await page.getByRole("button", { name: "Undo disposition dismissed" }).first().click();
  await page.getByText("Undone.").waitFor();
  await page.locator(".facts .status.open").waitFor();
  said("dismissed and undone");

  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  await page.getByText("is in your downloads").waitFor();
  said(`exported ${file.suggestedFilename()}`);

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  assert.ok(!page.url().includes(KEY));
  await context.close();
  said("signed out");
  return cluster;
}

async function visit(cluster) {
  const { page, context, elsewhere, wrong } = await open(browser);
  everywhere.push(elsewhere, wrong);
  await signIn(page);
  await page.goto(`${URL_}/#/cluster/${cluster}`);
  await drawn(page);
  await settled(page);
  const path = async (locator) => (await locator.getAttribute("href")).replace(/^#/, "");
  const account = await path(page.getByRole("region", { name: "Members" }).locator("tbody th a").first());
  const pair = await path(page.getByRole("region", { name: "Strongest links" }).locator("tbody th a").first());
  const signal = await path(page.getByRole("region", { name: "Shared signals" }).locator("tbody th a").first());
  await page.goto(`${URL_}/#/runs`);
  await settled(page);
  const run = await path(page.getByRole("region", { name: "Runs" }).locator("tbody th a").first());
  const compare = page.getByRole("link", { name: /^Compare / }).first();
  const diff = (await compare.count()) ? [await path(compare)] : [];
  await page.goto(`${URL_}/#/search`);
  await page.getByRole("searchbox").fill(cluster);
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Found" }).waitFor();
  assert.ok(!page.url().includes(cluster), "what is searched for is not in the address");
  await context.close();
  return ["/clusters", `/cluster/${cluster}`, account, pair, "/between", signal, "/runs", run, ...diff, "/search"];
}

async function judge(width, scheme) {
  const { page, context, elsewhere, wrong } = await open(browser, { width, scheme });
  everywhere.push(elsewhere, wrong);
  const bad = [];
  await page.goto(URL_);
  await page.getByLabel("API key").waitFor();
  bad.push(...(await violations(page)).map((each) => `sign-in: ${each}`));
  await signIn(page);
  for (const place of places) {
    await page.goto(`${URL_}/#${place}`);
    await settled(page);
    if (/^\/(cluster|account)\//.test(place)) await drawn(page);
    await settled(page);
    const name = place.split("/")[1];
    assert.equal(await page.locator('[role="alert"]:not(:empty)').count(), 0, `${place} was refused`);
    bad.push(...(await violations(page)).map((each) => `${name}: ${each}`));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) bad.push(`${name}: ${wide} px wider than the window`);
    await shot(page, `page-${name}-${width}-${scheme}`);
  }
  await context.close();
  said(`${width} px ${scheme}: ${places.length + 1} pages, ${bad.length} serious violations`);
  return bad.map((each) => `${width} px ${scheme}: ${each}`);
}

try {
  const cluster = await investigate();
  places = await visit(cluster);
  const bad = [];
  for (const width of [1280, 390]) for (const scheme of ["light", "dark"]) bad.push(...(await judge(width, scheme)));
  assert.deepEqual(bad, []);
  assert.deepEqual(everywhere.flat(), [], "nothing elsewhere was asked for and nothing went wrong in a page");
  said("done; pictures in console/artefacts/");
} finally {
  await browser.close();
}
