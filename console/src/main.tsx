// The shell: who is signed in, where to go, and the page of the address.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, key, onSignedOut, Refusal } from "./api";
import { Viewer } from "./generated/documents";
import type { ViewerQuery } from "./generated/operations";
import { count } from "./parts";
import { AccountPage } from "./pages/account";
import { ActivityPage, useUnread } from "./pages/activity";
import { BetweenPage } from "./pages/between";
import { ClusterPage } from "./pages/cluster";
import { ClustersPage } from "./pages/clusters";
import { DiffPage, RunPage, RunsPage } from "./pages/runs";
import { SearchPage } from "./pages/search";
import { SignalPage } from "./pages/signal";
import { go, to, useRoute } from "./route";
import { SignIn } from "./sign_in";
import "./style.css";

export interface Me {
  name: string;
  /** Whether decisions and reveals are this person's to make. */
  decides: boolean;
}

function Page({ me }: { me: Me }) {
  const { path, query } = useRoute();
  const [what, id = "", other = ""] = path;
  if (what === "cluster" && id) return <ClusterPage key={id} id={id} query={query} me={me} />;
  if (what === "account" && id) return <AccountPage key={id} id={id} after={query.get("after")} me={me} />;
  if (what === "between") return <BetweenPage key={path.join(" ")} a={id} b={other} me={me} />;
  if (what === "signal" && id) return <SignalPage key={id} of={id} after={query.get("after")} me={me} />;
  if (what === "runs") return <RunsPage me={me} after={query.get("after")} />;
  if (what === "run" && id) return <RunPage key={id} id={id} me={me} />;
  if (what === "diff" && id && other) return <DiffPage before={id} now={other} after={query.get("after")} />;
  if (what === "activity" && me.decides) return <ActivityPage query={query} />;
  if (what === "search") return <SearchPage />;
  return <ClustersPage query={query} />;
}

function App() {
  const [viewer, set] = useState<ViewerQuery | null>(null);
  const [asking, setAsking] = useState(key.get() !== null);
  const [away, setAway] = useState<string | null>(null);
  const [why, setWhy] = useState<string | null>(null);
  const inside = useRef(asking);
  inside.current = asking || viewer !== null;
  const route = useRoute();
  const decides = viewer !== null && viewer.viewer.role !== "VIEWER";
  const unread = useUnread(decides);
  const signOut = (because: string | null) => {
    key.clear();
    setWhy(because);
    set(null);
  };
  // Only a refused key is let go of: a service that is away for a moment costs nobody a sign-in.
  const enter = () => {
    setAsking(true);
    setAway(null);
    ask(Viewer, {})
      .then(set, (error: Refusal) => key.get() !== null && setAway(error.message))
      .finally(() => setAsking(false));
  };
  useEffect(() => {
    onSignedOut(() => inside.current && signOut("Your session ended. Sign in again to go on where you were."));
    if (key.get() !== null) enter();
    const pressed = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key === "/" && !typing) {
        event.preventDefault();
        go(["search"]);
        setTimeout(() => document.getElementById("search")?.focus(), 50);
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  if (asking) return <main class="sign-in" aria-busy="true" />;
  if (away !== null && key.get() !== null)
    return (
      <main class="sign-in">
        <h1>graphsvc</h1>
        <p class="refusal" role="alert">
          {away}
        </p>
        <p class="row">
          <button class="main" onClick={enter}>Ask again</button>
          <button onClick={() => (setAway(null), signOut(null))}>Sign out</button>
        </p>
      </main>
    );
  if (viewer === null) return <SignIn why={why} done={set} />;
  const me = { name: viewer.viewer.name || viewer.viewer.keyId, decides };
  const here = route.path[0] ?? "clusters";
  const tabs: [string, string][] = [
    ["clusters", "Clusters"],
    ["search", "Search"],
    ["between", "Two accounts"],
    ["runs", "Runs"],
    // What happened, decisions among it, is for those who decide.
    ...(decides ? [["activity", "Activity"] as [string, string]] : []),
  ];
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>("h1")?.focus())}>
        Skip to the page
      </a>
      <header>
        <a class="brand" href="#/clusters">
          graphsvc
        </a>
        <nav aria-label="Pages">
          {tabs.map(([path, name]) => (
            <a key={path} href={to([path])} aria-current={here === path ? "page" : undefined}>
              {name}
              {path === "activity" && unread && <span class="unread" role="img" aria-label="something new" />}
            </a>
          ))}
        </nav>
        <span class="me">
          <span title={viewer.viewer.role.toLowerCase()}>
            {me.name} · {viewer.viewer.role.toLowerCase()}
          </span>
          <button onClick={() => signOut(null)}>Sign out</button>
        </span>
      </header>
      <main>
        <Page me={me} />
      </main>
      <footer>
        {count(viewer.stats.accounts)} accounts, {count(viewer.stats.signals)} signals, {count(viewer.stats.clusters)} campaigns,{" "}
        {count(viewer.stats.businesses)} likely businesses. Nothing here acts on accounts. <kbd>/</kbd> searches, <kbd>j</kbd> <kbd>k</kbd> go through the list.
      </footer>
    </>
  );
}

render(<App />, document.getElementById("app")!);
