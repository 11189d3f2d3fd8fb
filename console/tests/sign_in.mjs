// Signing in with an identity provider on another site: there and back, cancelled, ended, in two tabs; and axe.
import assert from "node:assert/strict";
import { KEY, launch, open, settled, shot, URL_, violations } from "./browser.mjs";

const PROVIDER = process.env.GRAPHSVC_PROVIDER;
const browser = await launch();
const said = (line) => console.log(`sign-in: ${line}`);
const everywhere = [];
const bad = [];

async function opened(options = {}) {
  const found = await open(browser, { ...options, also: [PROVIDER] });
  found.context.on("request", (request) => {
    // The page itself talks to the service alone: at the provider is only who goes there.
    if (request.url().startsWith(PROVIDER) && !request.isNavigationRequest()) found.elsewhere.push(request.url());
  });
  everywhere.push(found.elsewhere, found.wrong);
  return found;
}

const button = (page) => page.getByRole("button", { name: "Sign in with Example ID" });
const heading = (page, name) => page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();

/** From the page to the provider and through its form. */
async function through(page, { who = "ada", lasts = 600, decision = "Continue" } = {}) {
  await button(page).click();
  await page.getByRole("heading", { name: "Who are you?" }).waitFor();
  await page.getByLabel("Name").fill(who);
  await page.getByLabel("Seconds that tokens last").fill(String(lasts));
  await page.getByRole("button", { name: decision }).click();
}

/** Nothing of ours that anybody could use later is in an address that the browser remembers. */
async function clean(page) {
  const session = await page.context().newCDPSession(page);
  const { entries } = await session.send("Page.getNavigationHistory");
  const ours = entries.flatMap((each) => [each.url, each.userTypedURL]).filter((each) => !each.startsWith(PROVIDER));
  const harmless = /^(about:blank|http:\/\/127\.0\.0\.1:\d+\/(#\/(clusters|runs)(\?order=SIZE)?|#\/sign-in\?refused=\w+|sign-in\?tab=[\w-]{43})?)$/;
  for (const each of ours) assert.match(each, harmless); // of the tab's secret the hash
  const token = await page.evaluate(() => sessionStorage.getItem("graphsvc.key"));
  assert.equal(token.split(".").length, 3);
  assert.ok(!entries.some((each) => each.url.includes(token) || each.url.includes("code=")), "no code and no token");
  assert.deepEqual(await page.context().cookies(), [], "no cookie is left");
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage)), ["graphsvc.key"]);
}

async function there_and_back() {
  const { page, context, wrong } = await opened();
  const answers = [];
  page.on("response", (answer) => answer.url().includes("/sign-in/token") && answers.push(answer));
  await page.goto(`${URL_}/#/clusters?order=SIZE`);
  await button(page).waitFor();
  await shot(page, "sign-in-1-offered");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Sign in with Example ID");
  await page.keyboard.press("Enter"); // the keyboard alone goes there
  await page.getByRole("heading", { name: "Who are you?" }).waitFor();
  const going = await context.cookies();
  assert.deepEqual(going.map(({ httpOnly, sameSite, path }) => ({ httpOnly, sameSite, path })), [{ httpOnly: true, sameSite: "Lax", path: "/sign-in" }]);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByRole("alert").textContent(), "You were not signed in: it was cancelled at the identity provider.");
  assert.ok(!(await page.content()).includes("own words"), "nothing the provider said is in the page");
  assert.deepEqual(await context.cookies(), []);
  await shot(page, "sign-in-2-cancelled");
  said("cancelled at the provider, and said so");

  const soon = { lasts: -10 }; // clocks may differ by 30 s, so twenty are left from the moment that the token is made
  const over = (seen) => page.waitForTimeout(Math.max(0, seen + 22_000 - Date.now()));
  await through(page, soon);
  await page.waitForURL(`${URL_}/#/clusters?order=SIZE`);
  await heading(page, "Clusters");
  let seen = Date.now();
  await page.getByText("ada (u-ada) · analyst").waitFor();
  await settled(page);
  await clean(page);
  const [answer] = answers;
  assert.equal((await answer.request().allHeaders()).origin, URL_);
  assert.equal((await answer.allHeaders())["cache-control"], "no-store");
  await page.reload();
  await heading(page, "Clusters");
  await shot(page, "sign-in-3-back");
  said("signed in, at the place that was wanted");

  await page.goto(`${URL_}/#/runs`);
  await heading(page, "Runs");
  await over(seen);
  wrong.splice(0).forEach((each) => assert.fail(each));
  await page.reload();
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /^Your session ended\./);
  await shot(page, "sign-in-4-ended");
  wrong.length = 0; // the browser notes the refusal it was made to get
  await through(page, soon);
  await page.waitForURL(`${URL_}/#/runs`);
  await heading(page, "Runs");
  seen = Date.now();
  await over(seen);
  await page.getByRole("link", { name: "Clusters" }).click(); // ends in the middle, without a new page
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /^Your session ended\./);
  wrong.length = 0;
  await through(page);
  await page.waitForURL(`${URL_}/#/clusters`);
  await heading(page, "Clusters");
  await clean(page);
  said("a session that ended goes on where it was");

  await page.getByRole("button", { name: "Sign out" }).click();
  await button(page).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  assert.equal(await page.getByRole("alert").count(), 0);

  await page.goto(`${URL_}/#/runs`);
  await through(page, { decision: "Cancel" });
  await page.getByRole("alert").waitFor();
  const withKey = async (key) => {
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
  };
  await withKey("wrong.key");
  await page.getByText("This needs a valid API key").waitFor();
  wrong.length = 0;
  await withKey(KEY);
  await page.waitForURL(`${URL_}/#/runs`);
  await heading(page, "Runs");
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage)), ["graphsvc.key"]);
  await context.close();
  said("or with a key, at the place that was wanted");
}

async function two_tabs() {
  const { page: one, context } = await opened();
  const two = await context.newPage();
  for (const [page, to] of [[one, "clusters"], [two, "runs"]]) {
    await page.goto(`${URL_}/#/${to}`);
    await button(page).click();
    await page.getByRole("heading", { name: "Who are you?" }).waitFor();
  }
  for (const [page, who, to] of [[two, "bob", "Runs"], [one, "ada", "Clusters"]]) {
    await page.getByLabel("Name").fill(who);
    await page.getByRole("button", { name: "Continue" }).click();
    await heading(page, to);
    await page.getByText(`${who} (u-${who}) · analyst`).waitFor();
  }
  await clean(one);
  await context.close();
  said("two tabs, two people, at once");
}

async function elsewhere() {
  const { page, context } = await opened();
  const link = `<link rel="icon" href="data:,"><a href="${URL_}/sign-in?tab=${"a".repeat(43)}">Look here</a>`;
  await page.route(`${PROVIDER}/page`, (route) => route.fulfill({ contentType: "text/html", body: link }));
  await page.goto(`${PROVIDER}/page`);
  await page.getByText("Look here").click();
  await page.getByRole("alert").waitFor();
  assert.equal(page.url(), `${URL_}/#/sign-in?refused=sign_in_too_late`);
  for (const address of ["#/signed-in", "#/sign-in?refused=constructor", "#/sign-in?refused=<b>words</b>"]) {
    await page.goto("about:blank");
    await page.goto(`${URL_}/${address}`);
    await button(page).waitFor();
    assert.equal(await page.getByRole("alert").count(), Number(address === "#/signed-in"));
    assert.ok(!(await page.locator("main").textContent()).includes("words"));
  }
  assert.deepEqual(await context.cookies(), []);
  await context.close();
  said("another page begins nothing, and puts no words into this one");
}

async function judge(width, scheme) {
  const { page, context } = await opened({ width, scheme });
  await page.goto(`${URL_}/#/sign-in?refused=sign_in_no_role`);
  await page.getByRole("alert").waitFor();
  await button(page).waitFor();
  bad.push(...(await violations(page)).map((each) => `${width} px ${scheme}: ${each}`));
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) bad.push(`${width} px ${scheme}: too wide`);
  await shot(page, `sign-in-${width}-${scheme}`);
  await context.close();
}

try {
  await there_and_back();
  await two_tabs();
  await elsewhere();
  for (const width of [1280, 390]) for (const scheme of ["light", "dark"]) await judge(width, scheme);
  assert.deepEqual(bad, []);
  assert.deepEqual(everywhere.flat(), [], "nothing elsewhere was asked for and nothing went wrong in a page");
  said("done, without serious violations; pictures in console/artefacts/");
} finally {
  await browser.close();
}
