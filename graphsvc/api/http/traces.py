"""Traces by OpenTelemetry, an extra: a span a request, an operation, a Cypher statement by its name.

No span holds a document, a variable, a parameter or who asked.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

from graphsvc.errors import GraphsvcError, SettingsError
from graphsvc.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span


class Traces(Protocol):
    """Makes spans, which are children of the one they are made in."""

    def start_span(
        self, name: str, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager["Span | None"]:
        """Return a span for the time of a block. `headers` may name the trace that it continues (`traceparent`)."""

    def close(self) -> None:
        """Send the remaining spans."""


class NoTraces:
    """Makes no spans."""

    @contextmanager
    def start_span(self, name: str, headers: Mapping[str, str] | None = None) -> Iterator[None]:
        """Yield None."""
        yield

    def close(self) -> None:
        """Do nothing."""


class OpenTelemetry:
    """Makes spans and hands them to an exporter."""

    def __init__(self, exporter: "SpanExporter", at_once: bool = False) -> None:
        """Initialize. `at_once`: export each span when it ends, not in batches."""
        # In an extra, and slow to import.
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        resource = Resource.create({"service.name": "graphsvc", "service.version": version("graphsvc")})
        # The lifespan closes it; a hook at exit would wait for an exporter that is away.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        processor = SimpleSpanProcessor(exporter) if at_once else BatchSpanProcessor(exporter)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("graphsvc")

    @contextmanager
    def start_span(self, name: str, headers: Mapping[str, str] | None = None) -> "Iterator[Span]":
        """Yield a span. Of an error it keeps the code or the type, never the message."""
        from opentelemetry.trace import StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(headers) if headers else None
        with self._tracer.start_as_current_span(
            # Messages and tracebacks may quote documents and values.
            name,
            parent,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_status(StatusCode.ERROR)
                kind = error.code if isinstance(error, GraphsvcError) else type(error).__name__
                span.set_attribute("error.type", kind)
                raise

    def close(self) -> None:
        """Send the remaining spans."""
        self._provider.shutdown()


def build_traces(settings: Settings) -> Traces:
    """Return traces to `settings.otel_endpoint`, or none.

    Raises:
        SettingsError: there is an endpoint, and the extra `otel` is not installed.
    """
    if settings.otel_endpoint is None:
        return NoTraces()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise SettingsError(
            "GRAPHSVC_OTEL_ENDPOINT is set, and OpenTelemetry is not installed.",
            "Install graphsvc[otel], or unset it.",
        ) from None
    return OpenTelemetry(OTLPSpanExporter(endpoint=settings.otel_endpoint.rstrip("/") + "/v1/traces"))
