"""The appliance's kernel: our own, built from Debian's source and kept by the hash of what it is made of, or Debian's."""

import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = Path("/usr/src/linux-source-6.1.tar.xz")
SOURCE_PACKAGE = "linux-source-6.1"
# What the build of a kernel calls, and Debian's package that has it.
BUILD_TOOLS = {
    "gcc": "gcc", "make": "make", "flex": "flex", "bison": "bison", "bc": "bc", "lz4": "lz4", "xz": "xz-utils", "tar": "tar",
}
BUILD_HEADERS = {"/usr/include/libelf.h": "libelf-dev"}
# The date that the kernel says it was built at: the same inputs make the same bytes.
BUILT = "Thu Jan  1 00:00:00 UTC 2026"
# What Debian's kernel has as modules and the appliance needs; dependencies come along.
MODULES = (
    "virtio_pci virtio_blk virtio_net virtio_scsi e1000 e1000e 8139cp 8139too vmxnet3 ext4 vfat nls_cp437 nls_iso8859_1 isofs "
    "sd_mod sr_mod ahci ata_piix af_packet virtio_rng qemu_fw_cfg evdev button crc32c_generic"
).split()


class Missing(Exception):
    """Something has to be installed: the message says what."""


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "vfxos" / "kernel"


def package_version(name: str) -> str:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def install(packages: list[str]) -> None:
    """Installs Debian packages as root; else says which."""
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *sorted(set(packages))]
    if os.geteuid() != 0 or os.environ.get("NO_INSTALL"):
        raise Missing("to be installed first: " + " ".join(command))
    print("image: " + " ".join(command), file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"stdout": subprocess.DEVNULL, "env": environment}
    if subprocess.run([*command, "-qq"], **quiet).returncode != 0:
        subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)
        subprocess.run([*command, "-qq"], check=True, **quiet)


def lacking(tools: dict[str, str], files: dict[str, str] | None = None) -> list[str]:
    # Debian keeps some tools where only root looks.
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    packages = [package for tool, package in tools.items() if shutil.which(tool, path=path) is None]
    return packages + [package for file, package in (files or {}).items() if not Path(file).exists()]


def own() -> dict:
    """Builds our kernel, or takes it from the cache."""
    config = (HERE / "kernel.config").read_bytes()
    installed = package_version(SOURCE_PACKAGE)
    if not installed:
        install(lacking(BUILD_TOOLS, BUILD_HEADERS) + [SOURCE_PACKAGE])
        installed = package_version(SOURCE_PACKAGE)
    gcc = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    key = hashlib.sha256(b"\0".join([config, installed.encode(), gcc.encode(), BUILT.encode()])).hexdigest()[:16]
    kept = cache() / f"{installed.replace(':', '_')}-{key}" / "vmlinuz"
    if not kept.exists():
        install(lacking(BUILD_TOOLS, BUILD_HEADERS))
        build(config, kept)
    return {"image": kept, "modules": [], "name": "linux", "version": installed, "source": SOURCE_PACKAGE}


def build(config: bytes, kept: Path) -> None:
    print("image: building the kernel, once for this configuration: about 10 minutes of two cores", file=sys.stderr)
    kept.parent.mkdir(parents=True, exist_ok=True)
    stamp = {
        "KBUILD_BUILD_TIMESTAMP": BUILT, "KBUILD_BUILD_USER": "vfxos", "KBUILD_BUILD_HOST": "vfxos",
        "KBUILD_BUILD_VERSION": "1", "LC_ALL": "C", "TZ": "UTC",
    }
    environment = {**os.environ, **stamp}
    # Flags meant for a make of ours are none of the kernel's.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CFLAGS", "LDFLAGS"):
        environment.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="vfxos-kernel-") as folder:
        subprocess.run(["tar", "-C", folder, "-xf", str(SOURCE)], check=True)
        tree = next(Path(folder).iterdir())
        wanted = Path(folder) / "wanted"
        wanted.write_bytes(config)
        make = ["make", "-s", "-C", str(tree)]
        subprocess.run([*make, f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig"], check=True, env=environment)
        check(config, (tree / ".config").read_text())
        subprocess.run([*make, f"-j{os.cpu_count() or 1}", "bzImage"], check=True, env=environment)
        # Renamed last: what is under the name is whole.
        part = kept.with_suffix(".part")
        shutil.copyfile(tree / "arch/x86/boot/bzImage", part)
        part.rename(kept)


def check(config: bytes, got: str) -> None:
    """A setting that the kernel's own rules dropped is a mistake in kernel.config."""
    settings = set(got.splitlines())
    dropped = [line for line in config.decode().splitlines() if line.startswith("CONFIG_") and line not in settings]
    if dropped:
        raise Missing("kernel.config: this kernel does not take " + ", ".join(dropped))


def debian() -> dict:
    """Fetches Debian's kernel for clouds, and the modules of it that are needed in the order to load them."""
    install(lacking({"apt-get": "apt", "dpkg": "dpkg", "xz": "xz-utils"}))
    asked = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], capture_output=True, text=True, check=True)
    found = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", asked.stdout)
    if not found:
        raise Missing("Debian's linux-image-cloud-amd64 is not known here; run apt-get update")
    package = found[1]
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", package], capture_output=True, text=True, check=True)
    version = re.search(r"^Version: (\S+)$", shown.stdout, re.MULTILINE)[1]
    root = cache() / f"debian-{version.replace(':', '_')}"
    if not root.exists():
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="vfxos-kernel-", dir=cache()) as folder:
            subprocess.run(["apt-get", "download", f"{package}={version}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            tree = Path(folder) / "tree"
            subprocess.run(["dpkg", "-x", str(next(Path(folder).glob("*.deb"))), str(tree)], check=True)
            tree.rename(root)
    image = next((root / "boot").glob("vmlinuz-*"))
    tree = next((root / "lib/modules").iterdir())
    return {"image": image, "modules": modules(tree), "name": "linux", "version": version, "source": package}


def modules(tree: Path) -> list[tuple[str, bytes]]:
    def plain(name: str) -> str:
        return re.sub(r"\.ko(\.xz)?$", "", Path(name).name).replace("-", "_")

    files = {plain(path.name): path for path in tree.rglob("*.ko*")}
    builtin = {plain(line) for line in (tree / "modules.builtin").read_text().split()}
    loaded: dict[str, bytes] = {}

    def need(name: str) -> None:
        name = name.replace("-", "_")
        if name in loaded or name in builtin:
            return
        if name not in files:
            # Not every kernel for clouds has every card.
            return
        raw = files[name].read_bytes()
        if files[name].suffix == ".xz":
            raw = lzma.decompress(raw)
        depends = re.search(rb"(?:^|\0)depends=([^\0]*)\0", raw)
        for other in (depends[1].decode().split(",") if depends and depends[1] else []):
            need(other)
        loaded[name] = raw

    for name in MODULES:
        need(name)
    return list(loaded.items())
