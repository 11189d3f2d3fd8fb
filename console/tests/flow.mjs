// What an investigator does, in a real browser against a real service; then every page by axe, in both widths and schemes.
import assert from "node:assert/strict";
import { drawn, KEY, launch, open, settled, shot, signIn, URL_, VIEWER_KEY, violations } from "./browser.mjs";

const browser = await launch();
const said = (line) => console.log(`console: ${line}`);
const everywhere = [];
let places = [];

async function investigate() {
  const { page, context, elsewhere, wrong } = await open(browser);
  everywhere.push(elsewhere, wrong);
  await page.goto(URL_);
  await page.getByLabel("API key").waitFor();
  await shot(page, "1-sign-in");
  await page.getByLabel("API key").fill("wrong.key");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  wrong.length = 0; // the browser notes the refusal it was made to get
  await signIn(page);
  said("signed in");

  // The service is away for a moment, and comes back: nobody has to sign in again.
  const busy = (route) => route.fulfill({ status: 503, json: { errors: [{ message: "The database does not answer.", extensions: { code: "database_unavailable" } }] } });
  await page.route("**/graphql", busy);
  await page.reload();
  await page.getByText("The database does not answer.").waitFor();
  await page.unroute("**/graphql", busy);
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.getByRole("heading", { name: "Clusters" }).waitFor();
  await page.goto(`${URL_}/#/%`); // no page of any name
  await page.getByRole("heading", { name: "Clusters" }).waitFor();
  await page.goto(`${URL_}/#/clusters`);
  await page.locator("tbody tr").first().waitFor();
  wrong.length = 0; // the browser notes the refusals it was made to get
  said("the service went away and came back");

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
  const sizes = async () => (await page.locator('[aria-label="What is drawn"] td.number:nth-child(3)').allTextContents()).map((each) => Number(each.replaceAll(",", "")));
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
  await page.getByText(/The \d+ groups, to open/).click();
  const button = page.getByRole("button", { name: /^Open the [\d,]+ by / }).last();
  const smallest = Number((await button.getAttribute("aria-label")).match(/[\d,]+/)[0].replaceAll(",", ""));
  await button.click();
  await page.getByText(/^Opened: members by/).waitFor();
  await drawn(page);
  await settled(page);
  const accounts = await page.locator('[aria-label="What is drawn"] td:nth-child(2)').filter({ hasText: /^account,/ }).count();
  assert.equal(accounts, smallest, "the last level is the accounts themselves");
  await page.goBack();
  await page.goBack();
  await drawn(page);
  await settled(page);
  said("two levels open and add up, down to accounts");

  const days = page.locator('[aria-label="Days"] tbody tr');
  const signUps = (await days.locator("td:nth-child(2)").allTextContents()).map((each) => Number(each.replaceAll(",", "")));
  assert.equal(signUps.reduce((sum, each) => sum + each, 0), size, "everybody's sign-up is in the timeline");

  const evidence = page.getByRole("region", { name: "Shared signals" });
  const bits = (await evidence.locator("tbody tr td.bits span").allTextContents()).map(Number);
  assert.ok(bits.length > 5 && bits.every((each) => Number.isFinite(each)));
  assert.deepEqual(bits, [...bits].sort((one, other) => other - one), "evidence is ranked by bits");
  await page.getByRole("heading", { name: "Why" }).scrollIntoViewIfNeeded();
  await shot(page, "5-evidence");
  await evidence.getByRole("button", { name: /^Without / }).first().click();
  const answer = page.locator("[data-test=counterfactual] .lead");
  await answer.first().waitFor({ timeout: 60_000 });
  assert.match(page.url(), /without=/, "what is tried is in the address");
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

  await page.getByRole("button", { name: "Assign" }).click();
  await page.getByText("looks after it now.").waitFor();
  await page.getByRole("button", { name: /^Undo assignment/ }).first().click();
  await page.getByText("Undone.").waitFor();
  await page.getByRole("button", { name: "Watch", exact: true, pressed: false }).click();
  await page.getByText("You watch it now.").waitFor();
  await page.getByRole("button", { name: "Watch", exact: true, pressed: true }).click();
  await page.getByText("You do not watch it any more.").waitFor();
  said("assigned and undone, watched and no more");

  await page.getByRole("link", { name: /^Activity/ }).click();
  await page.getByText("new on this page since you last looked").waitFor();
  await page.getByText("Decision undone").first().waitFor();
  await page.getByRole("button", { name: "Mark as read" }).click();
  await page.getByText("Nothing new since you last looked.").waitFor();
  await page.waitForFunction(() => !document.querySelector("header .unread"));
  await page.goBack();
  await settled(page);
  said("read what happened");

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

/** Accounts and pairs: dispositions and pins, each taken back. */
async function decide(cluster) {
  const { page, context, elsewhere, wrong } = await open(browser);
  everywhere.push(elsewhere, wrong);
  await signIn(page);
  await page.goto(`${URL_}/#/cluster/${cluster}?at=members`);
  await drawn(page);
  await settled(page);
  assert.equal(await page.evaluate(() => document.activeElement.id), "members", "the address leads to the place on the page");
  await page.getByRole("region", { name: "Members" }).locator("tbody th a").first().click();
  await page.getByRole("heading", { name: /^Account / }).waitFor();
  await settled(page);
  await page.getByRole("button", { name: "monitoring", exact: true }).click();
  await page.getByText("It is monitoring now.").waitFor();
  await page.locator(".facts .status.monitoring").waitFor();
  await shot(page, "9-account-decided");
  await page.getByRole("button", { name: "Undo disposition monitoring" }).first().click();
  await page.locator(".facts .status.open").waitFor();

  await page.goto(`${URL_}/#/cluster/${cluster}?at=links`);
  await settled(page);
  await page.getByRole("region", { name: "Strongest links" }).locator("tbody th a").first().click();
  await page.getByRole("heading", { name: "Two accounts" }).waitFor();
  await page.getByLabel("Why (kept with the decision)").fill("Both belong to the test.");
  await page.getByRole("button", { name: "One operator" }).click();
  await page.getByText("It is on record: one operator.").waitFor();
  await shot(page, "10-pinned");
  await page.getByRole("button", { name: "Undo pin same" }).click();
  await page.getByText("Undone.").waitFor();
  await context.close();
  said("an account and a pair decided and undone");
}

/** A run is started, watched as it goes on, and compared with the one before. */
async function run() {
  const { page, context, elsewhere, wrong } = await open(browser);
  everywhere.push(elsewhere, wrong);
  await signIn(page);
  await page.goto(`${URL_}/#/runs`);
  await page.getByLabel("Seed").fill("1");
  await page.getByRole("button", { name: "Start a detection" }).click();
  await page.getByRole("heading", { name: /^Run / }).waitFor();
  const stages = new Set();
  const live = page.locator(".live label");
  await live.waitFor();
  await shot(page, "11-run-live");
  while (await live.count()) {
    const text = await live.textContent({ timeout: 500 }).catch(() => null);
    if (text) stages.add(text.split(":")[0]);
    await page.waitForTimeout(50);
  }
  await page.locator(".facts .status.published").waitFor({ timeout: 60_000 });
  stages.delete("Waiting for the first word of the run");
  assert.ok(stages.size >= 3, `its stages were shown: ${[...stages].join(", ")}`);
  await page.getByText("The certificate as signed").click();
  await page.getByText(/"result"|resultHash|result_hash/).first().waitFor();
  await page.goto(`${URL_}/#/runs`);
  await page.getByRole("link", { name: /^Compare / }).first().click();
  await page.getByRole("heading", { name: "From one run to another" }).waitFor();
  await settled(page);
  assert.equal(await page.locator('[role="alert"]:not(:empty)').count(), 0, "the comparison was refused");
  await shot(page, "12-compared");
  await context.close();
  said(`a run, live: ${[...stages].join(", ")}; compared with the one before`);
}

/** What a viewer may not do is not offered, and not sent. */
async function view(cluster) {
  const { page, context, elsewhere, wrong } = await open(browser);
  everywhere.push(elsewhere, wrong);
  await signIn(page, VIEWER_KEY);
  await page.goto(`${URL_}/#/cluster/${cluster}`);
  await drawn(page);
  await settled(page);
  const offered = await page.getByRole("button").allTextContents();
  for (const each of ["dismissed", "Assign", "Watch", "Only note it", "Undo"]) assert.ok(!offered.includes(each), `${each} is offered to a viewer`);
  assert.equal(await page.getByLabel(/^Reason to have addresses/).count(), 0);
  const signals = page.getByRole("region", { name: "Shared signals" }).locator("tbody th a");
  for (const place of [await signals.first().getAttribute("href"), "#/runs"]) {
    await page.goto(`${URL_}/${place}`);
    await settled(page);
    assert.equal(await page.getByRole("button", { name: /Reveal|Start a detection/ }).count(), 0);
  }
  await context.close();
  said("a viewer is offered nothing to decide");
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
  const diff = await path(page.getByRole("link", { name: /^Compare / }).first());
  await page.goto(`${URL_}/#/search`);
  await page.getByRole("searchbox").fill(cluster);
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Found" }).waitFor();
  assert.ok(!page.url().includes(cluster), "what is searched for is not in the address");
  await context.close();
  return ["/clusters", `/cluster/${cluster}`, account, pair, "/between", signal, "/runs", run, diff, "/search"];
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
  await decide(cluster);
  await run();
  await view(cluster);
  places = await visit(cluster);
  const bad = [];
  for (const width of [1280, 390]) for (const scheme of ["light", "dark"]) bad.push(...(await judge(width, scheme)));
  assert.deepEqual(bad, []);
  assert.deepEqual(everywhere.flat(), [], "nothing elsewhere was asked for and nothing went wrong in a page");
  said("done; pictures in console/artefacts/");
} finally {
  await browser.close();
}
