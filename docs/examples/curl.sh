#!/usr/bin/env bash
# The three largest clusters, with curl. usage: GRAPHSVC_KEY=… docs/examples/curl.sh http://127.0.0.1:8000
set -euo pipefail
curl --silent --show-error --fail-with-body "$1/graphql" \
  --header "Authorization: Bearer $GRAPHSVC_KEY" --header 'Content-Type: application/json' \
  --data '{"query": "query Largest($n: Int!) { clusters(first: $n, orderBy: {field: SIZE}) { edges { node { id size } } } }", "variables": {"n": 3}}'
