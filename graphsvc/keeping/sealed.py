"""Sealed files: a ZIP archive of age files, which a passphrase opens.

The archive stores `identity.age` and one age file for each content (the format of age-encryption.org/v1, in the
implementation of rage). `identity.age` is a key pair of this archive alone, sealed by the passphrase (scrypt). The
contents are sealed for that key, because the library streams only what is sealed for a key, and a database does not
fit into memory. The public key is in no file. So only a holder of the passphrase can make a content that opens.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import SecretStr
from pyrage import DecryptError, EncryptError, IdentityError, decrypt_io, encrypt_io, passphrase, x25519

from graphsvc.errors import BackupError
from graphsvc.files import open_draft

_MAGIC = b"PK\x03\x04"
_IDENTITY, _SUFFIX = "identity.age", ".age"
_LARGEST_IDENTITY = 4096
"""Bytes; a key pair sealed by a passphrase has 260."""
_DAMAGE = (
    BadZipFile,
    DecryptError,
    EOFError,
    IdentityError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""Errors of `zipfile` and `pyrage` on a file that is not what was written."""


class Sealer:
    """Writes contents, each sealed for the key of the archive."""

    def __init__(self, archive: ZipFile, phrase: SecretStr) -> None:
        identity = x25519.Identity.generate()
        self._archive, self._recipient = archive, identity.to_public()
        archive.writestr(_IDENTITY, passphrase.encrypt(f"{identity}\n".encode(), phrase.get_secret_value()))

    def add_content(self, name: str, content: IO[bytes]) -> None:
        """Add a content from where its file stands to its end. It is never in memory as a whole."""
        # Its size is not known before its end, and a database may take more than 2 GiB.
        with self._archive.open(name + _SUFFIX, "w", force_zip64=True) as member:
            encrypt_io(content, member, [self._recipient])


class Opener:
    """Reads contents. One that was extracted without an error is authentic and complete."""

    def __init__(self, archive: ZipFile, phrase: SecretStr) -> None:
        self._archive = archive
        sealed = archive.read(self._find_member(_IDENTITY, _LARGEST_IDENTITY))
        try:
            text = passphrase.decrypt(sealed, phrase.get_secret_value()).decode()
        except DecryptError:
            raise build_mismatch() from None
        self._identity = x25519.Identity.from_str(text.strip())

    def list_contents(self) -> list[str]:
        """List the names of the contents, in the order of adding."""
        return [name.removesuffix(_SUFFIX) for name in self._archive.namelist() if name != _IDENTITY]

    def extract_content(self, name: str, target: IO[bytes], most: int | None = None) -> None:
        """Write a content into `target`. Until this returns, what is there may be cut off.

        Args:
            name: of the content.
            target: open file.
            most: largest size of the sealed content, bytes; None: any.

        Raises:
            BackupError: it is missing, damaged or larger.
            OSError: `target` cannot be written.
        """
        with _map_damage(), self._archive.open(self._find_member(name + _SUFFIX, most)) as member:
            decrypt_io(member, target, [self._identity])

    def _find_member(self, name: str, most: int | None) -> ZipInfo:
        """Return a member that is stored as it was written, and no larger than `most`."""
        member = self._archive.getinfo(name)
        # A compressed member could unfold to any size.
        if member.compress_type != ZIP_STORED or (most is not None and member.file_size > most):
            raise build_damage()
        return member


@contextmanager
def seal_file(path: Path, phrase: SecretStr) -> Iterator[Sealer]:
    """Yield a new file that only its owner can read. It appears under its name when it is complete.

    Raises:
        BackupError: it exists, or cannot be written.
    """
    try:
        if path.exists():
            raise BackupError(f"{path} exists already.", "Choose a new file.")
        # A backup that is named is on the disk: its owner may delete the original next.
        with open_draft(path) as file, ZipFile(file, "w") as archive:
            yield Sealer(archive, phrase)
    except (OSError, EncryptError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BackupError(
            f"{path} cannot be written: {why}.", "Choose another place for the backup."
        ) from None


@contextmanager
def open_sealed(file: BinaryIO, phrase: SecretStr) -> Iterator[Opener]:
    """Yield the contents of a sealed file.

    Raises:
        BackupError: it is none, or is damaged, or the passphrase does not open it.
    """
    if file.read(len(_MAGIC)) != _MAGIC:
        raise BackupError("This is no backup of graphsvc, or one of a later version.", "Check the file.")
    with ExitStack() as stack:
        with _map_damage():
            opener = Opener(stack.enter_context(ZipFile(file)), phrase)
        yield opener


def build_damage() -> BackupError:
    """Build the error for a file that is not what was written."""
    return BackupError(
        "The file is damaged or was cut off; nothing was changed.", "Take another copy of the backup."
    )


def build_mismatch() -> BackupError:
    """Build the error for a passphrase that does not open a file."""
    return BackupError(
        "The passphrase is not the one this backup was sealed with, or the file is damaged; nothing was changed.",
        "Try again with the right passphrase.",
    )


@contextmanager
def _map_damage() -> Iterator[None]:
    try:
        yield
    except _DAMAGE:
        raise build_damage() from None
    except OSError as error:
        # The library reports damage past the header of a content as an error of the system without a number.
        if error.errno is not None:
            raise
        raise build_damage() from None
