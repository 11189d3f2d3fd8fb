// The ids of the service's own documents: the console sends these and no text, so nobody can make it ask for more.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync, mkdirSync } from "node:fs";

const from = new URL("../graphsvc/api/documents/", import.meta.url);
const lines = ["// Made by documents.mjs out of graphsvc/api/documents; do not edit.", 'import type * as t from "./operations";', ""];
const map = [];
for (const file of readdirSync(from).filter((each) => each.endsWith(".graphql")).sort()) {
  const text = readFileSync(new URL(file, from), "utf8");
  const [, kind, name] = /^(query|mutation|subscription) (\w+)/.exec(text);
  const id = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  const Kind = kind[0].toUpperCase() + kind.slice(1);
  const value = kind === "subscription" ? `{ id: ${JSON.stringify(id)}, text: ${JSON.stringify(text)} }` : `{ id: ${JSON.stringify(id)} }`;
  map.push(`export const ${name}: Doc<t.${name}${Kind}, t.${name}${Kind}Variables> = ${value};`);
}
lines.push("export interface Doc<Data, Variables> { id: string; text?: string; data?: Data; variables?: Variables }", ...map, "");
mkdirSync(new URL("src/generated/", import.meta.url), { recursive: true });
writeFileSync(new URL("src/generated/documents.ts", import.meta.url), lines.join("\n"));
