"""The edge of HTTP: framing, limits and telemetry of requests, and GraphQL over HTTP and WebSockets."""
