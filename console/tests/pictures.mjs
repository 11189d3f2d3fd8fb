// The pictures of the console and of GraphiQL in the docs, from the running demo.
import { readFileSync } from "node:fs";
import { drawn, KEY, launch, open, settled, signIn, URL_ } from "./browser.mjs";

const PLACE = new URL("../../docs/images/", import.meta.url).pathname;
const QUESTION = /```graphql\n([^]*?)\n```/.exec(readFileSync(new URL("../../README.md", import.meta.url), "utf8"))[1];
const browser = await launch();
const { page, wrong } = await open(browser);
await signIn(page);
await page.goto(`${URL_}/#/clusters?order=SIZE`);
await page.waitForFunction(() => {
  const sizes = [...document.querySelectorAll("tbody tr")].map((row) => Number(row.cells[2].textContent.replaceAll(",", "")));
  return sizes.length && sizes.every((size, i) => i === 0 || size <= sizes[i - 1]); // the list by score is gone
});
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

// The first question of the README; the field of the key is empty once it is accepted.
await page.setViewportSize({ width: 1600, height: 760 });
await page.goto(`${URL_}/graphql`);
await page.getByLabel("API key").fill(KEY);
await page.getByRole("button", { name: "Use this key" }).click();
await page.getByText("Key accepted").waitFor();
await page.locator(".graphiql-query-editor .CodeMirror").evaluate((editor, text) => editor.CodeMirror.setValue(text), QUESTION);
await page.locator(".graphiql-horizontal-drag-bar").first().dragTo(page.locator(".result-window"), { targetPosition: { x: 180, y: 300 } });
await page.getByRole("button", { name: /execute query/i }).click();
await page.locator(".result-window").getByText('"summary"').first().waitFor();
await page.locator("strong").click();
await page.screenshot({ path: `${PLACE}graphiql.png` });
await browser.close();
if (wrong.length) throw new Error(wrong.join("\n"));
console.log("console: console-clusters.png, console-cluster.png, console-why.png and graphiql.png are in docs/images/");
