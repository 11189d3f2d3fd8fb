// The pictures of the console in the docs, from the running demo.
import { drawn, launch, open, settled, signIn, URL_ } from "./browser.mjs";

const PLACE = new URL("../../docs/images/", import.meta.url).pathname;
const browser = await launch();
const { page, wrong } = await open(browser);
await signIn(page);
await page.goto(`${URL_}/#/clusters?order=SIZE`);
await settled(page);
await page.locator("h1").click();
await page.screenshot({ path: `${PLACE}console-clusters.png`, clip: { x: 0, y: 0, width: 1280, height: 720 } });
await page.locator("tbody th a").first().click();
await drawn(page);
await settled(page);
await page.waitForTimeout(2500);
await page.screenshot({ path: `${PLACE}console-cluster.png` });
await page.getByRole("heading", { name: "When" }).evaluate((each) => each.scrollIntoView());
await page.screenshot({ path: `${PLACE}console-why.png` });
await browser.close();
if (wrong.length) throw new Error(wrong.join("\n"));
console.log("console: console-clusters.png, console-cluster.png and console-why.png are in docs/images/");
