"""The log: one JSON object a line on standard error, or lines for a person at a terminal.

What is logged about an error is its type and where it rose; its message may quote values and stays out.
"""

import logging
import sys
import traceback
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["json", "text"]


def configure_logging(form: Form | None = None) -> None:
    """Send the log of this process to standard error: as text to a terminal, else as JSON, unless `form` says which."""
    form = form or ("text" if sys.stderr.isatty() else "json")
    shown: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper("iso", utc=True),
                structlog.stdlib.ExtraAdder(),
            ],
            processors=[
                _remove_messages,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                shown,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("graphsvc").setLevel(logging.INFO)


def _remove_messages(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the lines that it came through."""
    raised = event.pop("exc_info", None)
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        event["error"] = type(raised).__name__
        event["rose"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(raised.__traceback__)
        ]
    return event
