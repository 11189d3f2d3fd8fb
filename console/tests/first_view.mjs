// How long until the largest cluster is drawn, and whether the page stays responsive. Prints one line of JSON.
import { drawn, launch, open, signIn, URL_ } from "./browser.mjs";

const turns = Number(process.argv[2] ?? 20);
const browser = await launch();
const [times, tasks] = [[], []];
let size = 0;
for (let turn = 0; turn < turns; turn++) {
  const { page, context } = await open(browser);
  await signIn(page);
  await page.goto(`${URL_}/#/clusters?order=SIZE`);
  const link = page.locator("tbody th a").first();
  await link.waitFor();
  await page.waitForTimeout(500);
  await page.evaluate(() => {
    window.began = performance.now();
    document.querySelector("tbody th a").click();
  });
  await drawn(page);
  const at = await page.evaluate(() => {
    const [mark] = performance.getEntriesByName("graph-drawn");
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((each) => each.duration))).observe({ entryTypes: ["longtask"] });
    return mark.startTime - window.began;
  });
  await page.waitForTimeout(4000); // layout, the rest of the page, and rest
  times.push(at);
  tasks.push(Math.max(0, ...(await page.evaluate(() => window.long))));
  size = Number((await page.locator(".facts").first().textContent()).match(/Accounts([\d,]+)/)[1].replaceAll(",", ""));
  await context.close();
}
await browser.close();
console.log(JSON.stringify({ size, times, tasks }));
