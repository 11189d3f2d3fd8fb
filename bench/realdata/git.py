"""Read files and history of a git repository without a work tree."""

import subprocess
from pathlib import Path


def run_git(repository: Path, *arguments: str) -> str:
    """Return what a git command prints, with bytes that are no UTF-8 replaced.

    Raises:
        subprocess.CalledProcessError: git failed; its own message stands on standard error.
    """
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode("utf-8", errors="replace")


def read_file(repository: Path, path: str) -> str:
    """Return a file of the newest commit as text."""
    return run_git(repository, "show", f"HEAD:{path}")


def list_files(repository: Path, folder: str) -> tuple[list[str], list[str]]:
    """Return the paths of all files below a folder of the newest commit: those that can be read, and those that cannot.

    A snapshot may list its largest files without holding them. Git then has no size to show.
    """
    listed = run_git(repository, "ls-tree", "-r", "-l", "-z", "HEAD", folder).split("\0")[:-1]
    entries = [entry.split("\t", 1) for entry in listed]
    present = [about.split()[-1].isdigit() for about, _ in entries]
    paths = [path for _, path in entries]
    return (
        [path for path, there in zip(paths, present, strict=True) if there],
        [path for path, there in zip(paths, present, strict=True) if not there],
    )
