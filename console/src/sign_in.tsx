// Signing in: with the identity provider, there and back, or with a key. A token lives where a key does, in this tab.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, key, Refusal, refused } from "./api";
import { Viewer } from "./generated/documents";
import type { ViewerQuery } from "./generated/operations";
import { useRoute } from "./route";

const PLACE = "graphsvc.sign-in";
const TOO_LATE = "sign_in_too_late";

/** What the address may say of a sign-in that failed; anything else in it is not shown. */
const WORDS = new Map(Object.entries({
  sign_in_cancelled: "You were not signed in: it was cancelled at the identity provider.",
  sign_in_too_late: "That took too long, or was begun in another browser or tab. Sign in again.",
  sign_in_not_valid: "What the identity provider sent back was not valid, so nobody was signed in. Sign in again.",
  sign_in_provider_refused: "The identity provider does not know this service as it is set up. Tell whoever runs it: its log has more.",
  sign_in_no_token: "The identity provider gave no token for this service. Tell whoever runs it: the scopes or the audience do not fit.",
  sign_in_no_role: "The identity provider knows you, but you have no role in this service. Ask an admin for one.",
  identity_provider_unavailable: "The identity provider does not answer. Try again in a moment, or use an API key.",
}));

/** A sign-in on its way: the tab's secret, and where its person wanted to go. */
interface Pending {
  secret?: string;
  to: string;
}

interface Way {
  name: string;
  at: string;
}

const text = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const pending = {
  get: (): Pending | null => JSON.parse(sessionStorage.getItem(PLACE) ?? "null"),
  set: (value: Pending): void => sessionStorage.setItem(PLACE, JSON.stringify(value)),
  clear: (): void => sessionStorage.removeItem(PLACE),
};

/** Whether the address is one of signing in, not one that somebody wanted to see. */
const passing = (): boolean => /^#\/sign(ed)?-in\b/.test(location.hash);

const wanted = (): string => (passing() ? (pending.get()?.to ?? "") : location.hash) || "#/clusters";

/** Goes to the provider. Only who has the secret gets what comes back; the address has its hash alone. */
async function begin(): Promise<void> {
  const secret = text(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  pending.set({ secret, to: wanted() });
  location.assign(`sign-in?tab=${text(new Uint8Array(digest))}`);
}

/** Fetches the token that was left for this tab. */
async function token(): Promise<string> {
  const { secret, to } = pending.get() ?? { to: wanted() };
  if (!secret) throw new Refusal(TOO_LATE, "");
  pending.set({ to });
  const answer = await fetch("sign-in/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ tab: secret }),
  });
  if (!answer.ok) throw await refused(answer);
  return (await answer.json()).token;
}

/** Puts an address in place of this one. */
function arrived(at: string): Promise<unknown> {
  const there = new Promise((then) => addEventListener("hashchange", then, { once: true }));
  location.replace(at);
  return there;
}

async function ways(): Promise<Way | null> {
  try {
    const answer = await fetch("sign-in/ways");
    return answer.ok ? (await answer.json()).redirect : null;
  } catch {
    return null;
  }
}

export function SignIn({ why, done }: { why: string | null; done: (viewer: ViewerQuery) => void }) {
  const { path, query } = useRoute();
  const coming = path[0] === "signed-in";
  const [way, offer] = useState<Way | null | undefined>(undefined);
  const [said, say] = useState(why);
  const field = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  const enter = async (value: () => Promise<string> | string) => {
    try {
      key.set(await value());
      const viewer = await ask(Viewer, {});
      if (passing()) await arrived(wanted());
      pending.clear();
      done(viewer);
    } catch (error) {
      key.clear();
      say(error instanceof Refusal ? (WORDS.get(error.code) ?? error.message) : "The service cannot be reached.");
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void enter(() => field.current!.value.trim());
  };
  useEffect(() => {
    document.title = "Sign in · graphsvc";
    void ways().then(offer);
    const shown = (event: PageTransitionEvent) => event.persisted && key.get() !== null && location.reload();
    addEventListener("pageshow", shown);
    return () => removeEventListener("pageshow", shown);
  }, []);
  useEffect(() => {
    const code = path[0] === "sign-in" ? query.get("refused") : null;
    if (code !== null) say(WORDS.get(code) ?? null);
    if (coming) void enter(token).finally(() => passing() && location.replace("#/sign-in"));
  }, [path.join("/"), query.get("refused")]);
  useEffect(() => (button.current ?? field.current)?.focus(), [way, coming]);

  if (coming || way === undefined)
    return (
      <main class="sign-in" aria-busy="true">
        <h1>graphsvc</h1>
        <p class="waiting" role="status">
          {coming ? "Signing in …" : ""}
        </p>
      </main>
    );
  const here = way !== null && way.at === location.origin;
  return (
    <main class="sign-in">
      <h1>graphsvc</h1>
      <p>Coordinated clusters of accounts, and why they are clusters.</p>
      {said !== null && (
        <p class="refusal" role="alert">
          {said}
        </p>
      )}
      {here && (
        <button ref={button} class="main" onClick={begin}>
          Sign in with {way.name}
        </button>
      )}
      {way !== null && !here && (
        <p>
          <a href={`${way.at}/${wanted()}`}>
            Sign in with {way.name} at {way.at}
          </a>
        </p>
      )}
      <form onSubmit={submit}>
        <label for="key">API key, or a token of your identity provider</label>
        <input id="key" ref={field} type="password" autocomplete="off" required spellcheck={false} />
        <button class={here ? undefined : "main"}>{here ? "Sign in with the key" : "Sign in"}</button>
      </form>
      <p class="small">
        <code>graphsvc keys create</code> makes a key. It stays in this tab and is gone when you sign out or close it.
      </p>
    </main>
  );
}
