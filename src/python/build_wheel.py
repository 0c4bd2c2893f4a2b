#!/usr/bin/env python3
"""Builds the wheel of this package with the libraries inside: python3 src/python/build_wheel.py [FOLDER]

Takes what `dotnet build src/HipiFast.Native -c Release -t:BuildLibraries` has put into artifacts/c/RID, and builds that
first unless told --no-build. Needs nothing but Python 3.11, or 3.9 with the package tomli. FOLDER: artifacts/packages.
"""

import base64
import hashlib
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def rid() -> str:
    system = {"win32": "win", "darwin": "osx"}.get(sys.platform, "linux")
    machine = sysconfig.get_platform().split("-")[-1]
    return f"{system}-{'arm64' if machine in ('arm64', 'aarch64') else 'x64'}"


def platform_tag(libraries: list) -> str:
    """manylinux of the newest glibc that a library asks for; the platform's own name elsewhere."""
    if not sys.platform.startswith("linux"):
        return sysconfig.get_platform().replace("-", "_").replace(".", "_")
    minor = max(
        int(version) for library in libraries for version in re.findall(rb"GLIBC_2\.(\d+)", library.read_bytes()))
    return f"manylinux_2_{minor}_{sysconfig.get_platform().split('-')[-1]}"


def metadata(project: dict) -> str:
    lines = [
        "Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Keywords: {','.join(project['keywords'])}", f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {need}" for need in project["dependencies"]),
    ]
    for extra, needs in project.get("optional-dependencies", {}).items():
        lines += [f"Provides-Extra: {extra}", *(f"Requires-Dist: {need}; extra == '{extra}'" for need in needs)]
    return "\n".join([*lines, "Description-Content-Type: text/markdown", "", (HERE / project["readme"]).read_text()])


def main(arguments: list) -> None:
    build = "--no-build" not in arguments
    folder = Path(next((word for word in arguments if not word.startswith("-")), ROOT / "artifacts" / "packages"))
    if build:
        subprocess.run(
            ["dotnet", "build", str(ROOT / "src" / "HipiFast.Native"), "-c", "Release", "-t:BuildLibraries", "--nologo"],
            check=True)
    libraries = sorted(
        path for path in (ROOT / "artifacts" / "c" / rid()).glob("*") if path.suffix in (".so", ".dll", ".dylib"))
    if not any("hipifast_c" in path.name for path in libraries):
        sys.exit(f"No libraries lie in {ROOT / 'artifacts' / 'c' / rid()}; build them, or leave out --no-build.")
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    name, tag = f"{project['name']}-{project['version']}", f"py3-none-{platform_tag(libraries)}"
    files = {
        **{f"hipifast/{path.name}": path.read_bytes() for path in sorted((HERE / "hipifast").glob("*.py"))},
        "hipifast/py.typed": b"",
        **{f"hipifast/_lib/{path.name}": path.read_bytes() for path in libraries},
        f"{name}.dist-info/METADATA": metadata(project).encode(),
        f"{name}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: hipifast\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = f"{name}.dist-info/RECORD"
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},{len(content)}"
        for path, content in files.items()
    ]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{tag}.whl"
    partial = wheel.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    partial.replace(wheel)
    print(wheel)


if __name__ == "__main__":
    main(sys.argv[1:])
