"use strict";

const DEFAULT_QUERY = `# The surest clusters, and what holds each together.
# Ctrl-Enter runs, Ctrl-Space completes.
# The book on the left documents every field.
query Clusters {
  stats { accounts signals clusters members }
  clusters(first: 10) {
    edges {
      node {
        id
        score
        size
        firstSeen
        summary
        sharedSignals(first: 3) {
          accounts
          bits
          signal { kind value degree }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

// The key and what GraphiQL remembers live in this tab's session storage and go with the tab.
const KEY = "graphsvc.key";
const form = document.getElementById("sign-in");
const input = document.getElementById("key");
const state = document.getElementById("state");
const root = ReactDOM.createRoot(document.getElementById("graphiql"));

function show(name, text) {
  state.dataset.state = name;
  state.value = text;
}

async function fetcher(params) {
  const key = sessionStorage.getItem(KEY) ?? "";
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  const response = await fetch("graphql", { method: "POST", headers, body: JSON.stringify(params), credentials: "omit" });
  if (response.status === 401) show("refused", key ? "This key is not valid" : "Enter an API key");
  else show("accepted", "Key accepted");
  return response.json();
}

// A new React key remounts GraphiQL, which then asks for the schema anew.
let mounted = 0;
function render() {
  mounted += 1;
  root.render(
    React.createElement(GraphiQL, { key: mounted, fetcher, defaultQuery: DEFAULT_QUERY, storage: sessionStorage, isHeadersEditorEnabled: false })
  );
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, input.value.trim());
  input.value = "";
  render();
});

show("refused", "Enter an API key");
render();
