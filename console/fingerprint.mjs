// What the committed build was made of, so that a test sees when something changed and nobody built.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url).pathname;
const sources = ["console/index.html", "console/package-lock.json", "console/src", "console/vite.config.js", "graphsvc/api/documents", "schema.graphql"];
const files = (path) =>
  statSync(root + path).isDirectory() ? readdirSync(root + path).filter((each) => each !== "generated").flatMap((each) => files(`${path}/${each}`)) : [path];
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
const lines = sources.flatMap(files).sort().map((path) => `${hash(readFileSync(root + path))}  ${path}\n`);
writeFileSync(`${root}graphsvc/api/static/console/sources.sha256`, `${hash(lines.join(""))}\n`);
