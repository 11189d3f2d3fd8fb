// Asks the service, with its own documents only. The key lives in this tab and ends with it.
import type { Doc } from "./generated/documents";
import { Progress } from "./generated/documents";
import type { ProgressSubscription } from "./generated/operations";

const PLACE = "graphsvc.key";

/** What the service said no to, in its own words. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let signedOut = () => {};

/** Called when the service no longer knows the key. */
export function onSignedOut(then: () => void): void {
  signedOut = then;
}

export const key = {
  get: (): string | null => sessionStorage.getItem(PLACE),
  set: (value: string): void => sessionStorage.setItem(PLACE, value),
  clear: (): void => sessionStorage.removeItem(PLACE),
};

function headers(): Record<string, string> {
  return { Authorization: `Bearer ${key.get() ?? ""}` };
}

/** What an answer that is no success says. */
export async function refused(answer: Response): Promise<Refusal> {
  let code = `http_${answer.status}`;
  let message = `The service answered ${answer.status}.`;
  try {
    const body = await answer.json();
    const error = body.errors?.[0] ?? body.error ?? body;
    code = error.extensions?.code ?? error.code ?? code;
    message = error.message ?? message;
  } catch {
    // Not JSON: the status has to do.
  }
  if (answer.status === 401) signedOut();
  return new Refusal(code, message);
}

/** The data of one document; throws Refusal with the service's code and words. */
export async function ask<Data, Variables>(
  document: Doc<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Data> {
  let answer: Response;
  try {
    answer = await fetch("graphql", {
      method: "POST",
      headers: { ...headers(), "Content-Type": "application/json" },
      body: JSON.stringify({ documentId: document.id, variables }),
      signal: signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal("unreachable", "The service cannot be reached. It is asked again when you reload.");
  }
  if (!answer.ok) throw await refused(answer);
  const body = await answer.json();
  if (body.errors?.length) throw new Refusal(body.errors[0].extensions?.code ?? "error", body.errors[0].message);
  return body.data as Data;
}

/** Saves a cluster's export; the browser shows it as a download. */
export async function download(cluster: string, format: string, tlp: string, reason: string): Promise<string> {
  const query = new URLSearchParams({ format, tlp, ...(reason ? { reason } : {}) });
  const answer = await fetch(`clusters/${encodeURIComponent(cluster)}/export?${query}`, { headers: headers() });
  if (!answer.ok) throw await refused(answer);
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? `${cluster}.${format}`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return name;
}

export type Running = ProgressSubscription["runProgress"];

/** Tells of a run while it goes on (graphql-transport-ws); returns what ends it. */
export function follow(id: string, tell: (run: Running) => void, ended: () => void): () => void {
  const there = new URL("graphql", location.href);
  there.protocol = there.protocol.replace("http", "ws");
  const socket = new WebSocket(there, "graphql-transport-ws");
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: "connection_init", payload: { authorization: headers().Authorization } });
  socket.onclose = ended;
  socket.onmessage = (event: MessageEvent<string>) => {
    const message = JSON.parse(event.data);
    if (message.type === "connection_ack")
      send({ id: "1", type: "subscribe", payload: { query: Progress.text, variables: { id } } });
    else if (message.type === "ping") send({ type: "pong" });
    else if (message.type === "next" && message.payload.data) tell(message.payload.data.runProgress);
    else if (message.type === "complete" || message.type === "error") socket.close();
  };
  return () => {
    socket.onclose = null;
    socket.close();
  };
}
