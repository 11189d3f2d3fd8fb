"""Neo4j's admin tool on the managed server."""

import subprocess

from pydantic import SecretStr

from graphsvc.errors import ServerError
from graphsvc.files import write_atomically
from graphsvc.server import process
from graphsvc.server.home import Home
from graphsvc.server.java import Jvm, build_environment, build_unusable_error
from graphsvc.types import Report

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
    try:
        orphan = process.find_process(int(home.admin.read_text(encoding="ascii")), f"@{home.admin_arguments}")
    except (FileNotFoundError, ValueError):
        return
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
