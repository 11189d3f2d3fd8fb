import os
import threading
from pathlib import Path

import pytest

from graphsvc.files import lock_in_turn, open_draft, write_atomically


def test_a_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_atomically(tmp_path / "key", b"secret")
        write_atomically(tmp_path / "report", "für alle", mode=0o666)
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o666
    assert (tmp_path / "report").read_text(encoding="utf-8") == "für alle"


def test_a_file_is_as_before_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "before")
    with pytest.raises(ZeroDivisionError), open_draft(path) as file:
        file.write(b"%d" % (file.write(b"half") // 0))
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "before"
    write_atomically(path, "after")
    assert path.read_text() == "after"


def test_a_file_that_must_be_new_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("of another process")
    with pytest.raises(FileExistsError), open_draft(path, publish=os.link) as file:
        file.write(b"mine")
    assert [one.name for one in tmp_path.iterdir()] == ["key"]
    assert path.read_text() == "of another process"


def test_a_lock_is_waited_for_and_says_so_once(tmp_path: Path) -> None:
    lock, said, order = tmp_path / "new" / "lock", threading.Event(), []

    def take_second() -> None:
        with lock_in_turn(lock, said.set):
            order.append("second")

    with lock_in_turn(lock, lambda: pytest.fail("it was free")):
        other = threading.Thread(target=take_second)
        other.start()
        assert said.wait(30)
        order.append("first")
    other.join(30)
    assert order == ["first", "second"]
