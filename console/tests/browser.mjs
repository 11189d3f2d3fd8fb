// A browser that reaches the service and nothing else, and what all scripts do with it.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

export const URL_ = process.env.GRAPHSVC_URL;
export const KEY = process.env.GRAPHSVC_KEY;
export const VIEWER_KEY = process.env.GRAPHSVC_VIEWER_KEY;
const PLACE = new URL("../artefacts/", import.meta.url);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      ..."--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(" "),
      "--use-angle=swiftshader", "--enable-unsafe-swiftshader", // WebGL without a graphics card
    ],
  });

/** A page of one width and colour scheme, which may reach the service and hosts of `also`; `elsewhere` holds whatever it asked of other hosts, `wrong` what went wrong in it. */
export async function open(browser, { width = 1280, scheme = "light", also = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, acceptDownloads: true });
  const [elsewhere, wrong] = [[], []];
  await context.route("**/*", (route) => {
    const url = route.request().url();
    if ([URL_, ...also].some((each) => url.startsWith(each)) || url.startsWith("data:") || url.startsWith("blob:")) return route.continue();
    elsewhere.push(url);
    return route.abort();
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => wrong.push(error.stack));
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  return { context, page, elsewhere, wrong };
}

export async function signIn(page, key = KEY) {
  await page.goto(URL_);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Clusters" }).waitFor();
  await page.locator("tbody tr").first().waitFor();
}

export const drawn = (page) => page.locator('.graph[data-state="drawn"]').first().waitFor();

/** Nothing is being read any more. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector(".waiting") && document.querySelector("h1"));
  await page.waitForTimeout(150);
  await page.waitForFunction(() => !document.querySelector(".waiting"));
}

export async function shot(page, name) {
  mkdirSync(PLACE, { recursive: true });
  await page.screenshot({ path: new URL(`${name}.png`, PLACE).pathname });
}

/** Serious and critical violations, each with where it is. */
export async function violations(page) {
  // The policy of the page lets no script in; the debugger's side may put one in.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: AXE });
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter((each) => each.impact === "serious" || each.impact === "critical")
    .map((each) => `${each.id} (${each.impact}): ${each.nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ")}`);
}
