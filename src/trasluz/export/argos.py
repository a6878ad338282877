"""A translator as one file that Argos Translate and LibreTranslate install: .argosmodel, a zip archive.

What is in its directory for CTranslate2 is in `trasluz.export.ctranslate2`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import sentencepiece

from trasluz.config import Manifest
from trasluz.errors import TrasluzError
from trasluz.export.agreement import TOLERANCES, Agreement, agree
from trasluz.export.ctranslate2 import check_exportable, write_ctranslate2
from trasluz.export.engine import Engine, translating
from trasluz.export.languages import code_of, name_of
from trasluz.export.original import Original
from trasluz.export.place import beside, check_free
from trasluz.export.program import SPACE_MARK_NOTE, one_line
from trasluz.export.sample import Sample, usual_sample
from trasluz.models.directory import write_json
from trasluz.models.loaded import LoadedModel
from trasluz.text.sentencepieces import FILE as PIECES
from trasluz.text.sentencepieces import SPACE_MARK

SUFFIX = ".argosmodel"
MODEL, SENTENCEPIECE, METADATA, README = "model", "sentencepiece.model", "metadata.json", "README.md"
PACKAGE_VERSION, ARGOS_VERSION = "1.0", "1.9.0"
"""That of the package, and of the Argos Translate whose form it has."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file, so that equal files make equal archives."""


def to_argos(
    loaded: LoadedModel,
    out: Path,
    *,
    quantization: str | None = None,
    sample: Sample | None = None,
    command: str | None = None,
) -> Agreement:
    """Write a file that Argos Translate installs, after it agreed with the model on a sample.

    How far it agrees is written into a file beside it. The arguments are those of `to_ctranslate2`. The same
    model gives the same file. Raises `TrasluzError` as that does, and for a model whose languages are not
    known, or that has not one tokeniser of sentencepiece.
    """
    record = check_place(out)
    _check(loaded, quantization)
    sample = sample or usual_sample(loaded)
    with beside(out, record) as (archive, figures):
        package = archive.parent / "package" / package_name(loaded.manifest)
        write_package(loaded, package, quantization=quantization)
        write_archive(archive, package)
        return agree(
            Original(loaded),
            argos_of(loaded, archive, archive.parent / "installed"),
            sample=sample,
            tolerance=TOLERANCES[quantization or "float32"],
            file=figures,
            about={
                "to": "argos",
                "quantization": quantization,
                "command": command,
                "notes": [SPACE_MARK_NOTE, "Argos Translate turns every _ of a translation into a space"],
            },
        )


def package_name(manifest: Manifest) -> str:
    """The one directory in the archive."""
    source, target = _codes(manifest)
    return f"translate-{source}_{target}-{PACKAGE_VERSION.replace('.', '_')}"


def write_package(loaded: LoadedModel, directory: Path, *, quantization: str | None) -> None:
    """Write the files of a package into a new directory."""
    directory.mkdir(parents=True)
    source, target = _codes(loaded.manifest)
    write_ctranslate2(loaded, directory / MODEL, quantization=quantization)
    (directory / SENTENCEPIECE).write_bytes(loaded.tokenizer.files()[PIECES])
    metadata = {
        "package_version": PACKAGE_VERSION,
        "argos_version": ARGOS_VERSION,
        "from_code": source,
        "from_name": name_of(source),
        "to_code": target,
        "to_name": name_of(target),
    }
    write_json(directory / METADATA, metadata)
    (directory / README).write_text(
        f"# {name_of(source)} to {name_of(target)}\n\n"
        f"A translator from {name_of(source)} ({source}) to {name_of(target)} ({target}), made with Trasluz "
        f"{version('trasluz')}, for Argos Translate {ARGOS_VERSION} or newer. Its numbers are stored as "
        f"{quantization or 'float32'}.\n\n"
        "It has no part that finds the ends of sentences: Argos Translate fetches one at first use.\n",
        encoding="utf-8",
    )


def write_archive(archive: Path, package: Path) -> None:
    """Put a directory into a zip archive, its files in the order of their names and without their dates."""
    with ZipFile(archive, "w") as file:
        for path in sorted(one for one in package.rglob("*") if one.is_file()):
            entry = ZipInfo(path.relative_to(package.parent).as_posix(), LONG_AGO)
            entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, 3, 0o644 << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, file.open(entry, "w") as place:
                shutil.copyfileobj(source, place)


def argos_of(loaded: LoadedModel, archive: Path, folder: Path) -> Engine:
    """What Argos Translate does with an archive that it unpacks into `folder`, one sentence at a time."""
    with ZipFile(archive) as file:
        file.extractall(folder)
    [package] = folder.iterdir()
    processor = sentencepiece.SentencePieceProcessor(model_file=str(package / SENTENCEPIECE))

    def cut(text: str) -> list[str]:
        pieces: list[str] = processor.encode(text, out_type=str)
        return pieces

    def joined(ids: Sequence[int]) -> str:
        pieces: list[str] = processor.id_to_piece(list(ids))
        return one_line(processor.decode_pieces(pieces).replace(SPACE_MARK, " ").replace("_", " "))

    return translating(loaded, package / MODEL, cut=cut, joined=joined)


def check_place(out: Path) -> Path:
    """The place of what is known of an export there.

    Raises `TrasluzError` where either place is taken, and for another suffix than Argos Translate's.
    """
    if out.suffix != SUFFIX:
        raise TrasluzError(f"{out}: Argos Translate installs files that end in {SUFFIX}; give such an --out")
    record = out.with_name(f"{out.name}.agreement.json")
    check_free(out, record)
    return record


def _check(loaded: LoadedModel, quantization: str | None) -> None:
    check_exportable(loaded, quantization)
    reasons = list(_refusals(loaded))
    if reasons:
        raise TrasluzError(f"Argos Translate cannot hold this model: {'; '.join(reasons)}")
    _codes(loaded.manifest)


def _refusals(loaded: LoadedModel) -> Iterator[str]:
    if loaded.manifest.model.kind != "transformer":
        yield f"it is {loaded.manifest.model.kind}, and Argos Translate runs encoder-decoders"
    if loaded.tokenizer.files().keys() != {PIECES}:
        yield "its tokeniser is not one model of sentencepiece for both languages"


def _codes(manifest: Manifest) -> tuple[str, str]:
    """The codes of both languages."""
    found = {"source": manifest.source_language, "target": manifest.target_language}
    missing = [side for side, language in found.items() if not language]
    if missing:
        raise TrasluzError(
            "a package for Argos Translate names both its languages, but this model does not name its "
            f"{' and '.join(missing)} language; give {' and '.join(f'--{side}-language' for side in missing)}"
        )
    source, target = (code_of(language or "") for language in found.values())
    if source == target:
        raise TrasluzError(
            "a package for Argos Translate is from one language into another, but both are "
            f"{name_of(source)} here; name them with --source-language and --target-language"
        )
    return source, target
