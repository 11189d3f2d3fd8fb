// The address is the state: `#/clusters?status=OPEN`. Whoever has the link sees the same.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  path: string[];
  query: URLSearchParams;
}

/** What somebody typed may be no encoding of anything; it is taken as it is then. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

export function useRoute(): Route {
  const [route, set] = useState(read);
  useEffect(() => {
    const changed = () => set(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

export function to(path: string[], query?: Record<string, string | undefined> | URLSearchParams): string {
  const kept = new URLSearchParams();
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query ?? {});
  for (const [name, value] of entries) if (value) kept.set(name, value);
  const text = kept.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

export function go(path: string[], query?: Record<string, string | undefined> | URLSearchParams): void {
  location.hash = to(path, query);
}

/** The same query with some parts set, or gone (undefined). */
export function changed(query: URLSearchParams, parts: Record<string, string | undefined>): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(parts)) value ? next.set(name, value) : next.delete(name);
  return next;
}
