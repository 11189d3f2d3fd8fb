"""Import a library without optional ones that it would bring along."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hide_modules(*names: str) -> Iterator[None]:
    """Let modules that are not yet imported seem not to be installed while the block imports others."""
    hidden = [name for name in names if name not in sys.modules]
    # An entry of None makes `import` raise ImportError, for which whoever imports an optional module is prepared.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
