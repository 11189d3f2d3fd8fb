"""Promise: one bundle exported by PySpark and by LibreOffice, in each of their forms, is the same graph."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import exporters


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    found = exporters.describe_bundle(
        exporters.write_reference(tmp_path_factory.mktemp("by_hand") / "bundle"), None
    )
    assert len(found["accounts"]) == 4  # type: ignore[arg-type]
    assert len(found["edges of phone"]) == 3  # type: ignore[arg-type]
    assert found["rejected rows"] == 0
    return found


@pytest.fixture(scope="module")
def by_spark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    python, why = exporters.find_spark()
    if why:
        pytest.skip(why)
    place = tmp_path_factory.mktemp("spark")
    exporters.run_spark(python, place)
    return place


@pytest.mark.parametrize("form", exporters.SPARK_FORMS)
def test_folders_of_pyspark(by_spark: Path, reference: Mapping[str, object], form: str) -> None:
    written = [path.name for path in (by_spark / form / "accounts").iterdir()]
    assert "_SUCCESS" in written
    assert any(name.endswith(".crc") for name in written)
    assert exporters.describe_bundle(by_spark / form, None) == reference


@pytest.mark.slow
@pytest.mark.parametrize("as_shown", [True, False], ids=["as shown", "as stored"])
@pytest.mark.parametrize("language", exporters.LOCALES)
def test_csv_of_libreoffice(
    tmp_path: Path, reference: Mapping[str, object], language: str, as_shown: bool
) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("there is no LibreOffice (soffice) here")
    bundle = exporters.write_by_calc(tmp_path / "bundle", language, as_shown, tmp_path)
    assert ("01.2024" in (bundle / "accounts.csv").read_text(encoding="utf-8")) == (language == "de-DE")
    assert exporters.describe_bundle(bundle, exporters.LOCALES[language][1]) == reference


@pytest.mark.parametrize("language", exporters.LOCALES)
@pytest.mark.parametrize("quoted", [True, False])
def test_csv_as_libreoffice_writes_it(
    tmp_path: Path, reference: Mapping[str, object], language: str, quoted: bool
) -> None:
    """The same where there is no LibreOffice: `fixtures/exports/` holds what version 7.4 wrote."""
    kept = Path(__file__).parents[1] / "fixtures" / "exports" / f"libreoffice-{language}{'-quoted' * quoted}"
    bundle = Path(shutil.copytree(kept, tmp_path / "bundle"))
    assert exporters.describe_bundle(bundle, exporters.LOCALES[language][1]) == reference
