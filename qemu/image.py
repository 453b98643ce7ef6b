#!/usr/bin/env python3
"""Makes the appliance: disk, kernel and initramfs, container image, sums, bill of materials. `make image` runs it.

No root, no loop device, and the same bytes from the same inputs. KERNEL=debian takes Debian's kernel instead of
building ours; PROFILE names another of Cargo's profiles than `release`; OUT another folder than target/image.
"""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import tomllib
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))
import archive  # noqa: E402
import kernel  # noqa: E402
from kernel import Missing  # noqa: E402

TARGET = "x86_64-unknown-linux-gnu"
TOOLS = {
    "gcc": "gcc", "mke2fs": "e2fsprogs", "mformat": "mtools", "mcopy": "mtools", "syslinux": "syslinux",
    "qemu-img": "qemu-utils", "zstd": "zstd",
}
FILES = {"/usr/lib/syslinux/mbr/mbr.bin": "syslinux-common", "/usr/include/stdio.h": "libc6-dev"}
MIB = 1024 * 1024
SECTOR = 512
# The disk: boot partition, then flash up to the end.
BOOT_START, BOOT_SIZE, DISK_SIZE = 1 * MIB, 31 * MIB, 512 * MIB
# The file system that the console offers to make where there is none; it grows to its partition.
TEMPLATE_SIZE = 48 * MIB
FLASH_LABEL = "vfxos-flash"
NAMESPACE = uuid.UUID("6f1f2a4e-5f0c-4b7e-9a51-6c1f7d1d7a10")
# Ours instead of the machine's: what a file system is made with is an input as well.
MKE2FS = """[defaults]
base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
blocksize = 4096
inode_size = 256
inode_ratio = 16384
[fs_types]
ext4 = {
 features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
}
small = {
 blocksize = 4096
 inode_ratio = 8192
}
"""
SYSLINUX = """SERIAL 0 115200
DEFAULT vfxos
PROMPT 0
LABEL vfxos
  LINUX /vmlinuz
  INITRD /initrd.zst
  APPEND console=ttyS0,115200 panic=1 loglevel=3
"""
DIRECT = "console=ttyS0,115200 panic=1 loglevel=3"


def run(*command: str | Path, **kwargs) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", **kwargs.pop("env", {})}
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        raise Missing(f"{' '.join(str(part) for part in command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def epoch() -> int:
    # 2026-01-01, unless who builds distributions says otherwise.
    return int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))


def version() -> str:
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]


def binary() -> bytes:
    """Builds the static binary, in a target folder of its own: its dependencies are compiled with other flags."""
    profile = os.environ.get("PROFILE", "release")
    folder = ROOT / "target" / "static"
    home = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    flags = f"-C target-feature=+crt-static --remap-path-prefix={ROOT}=vfxos --remap-path-prefix={home}=cargo"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(folder), "RUSTFLAGS": flags}
    command = [os.environ.get("CARGO", "cargo"), "build", "--locked", "--profile", profile, "--target", TARGET, "--bin", "vfxos"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return (folder / TARGET / ("debug" if profile == "dev" else profile) / "vfxos").read_bytes()


def mke2fs(image: Path, offset: int, size: int, name: str) -> None:
    """Makes an empty ext4: with nothing in it, no time of this machine gets in."""
    identity = str(uuid.uuid5(NAMESPACE, name))
    extended = f"offset={offset},hash_seed={identity},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"
    stamp = str(epoch())
    settings = image.with_name("mke2fs.conf")
    settings.write_text(MKE2FS)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "1", "-J", "size=8", "-L", FLASH_LABEL, "-U", identity,
        "-E", extended, image, f"{size // 1024}k",
        env={"E2FSPROGS_FAKE_TIME": stamp, "SOURCE_DATE_EPOCH": stamp, "MKE2FS_CONFIG": str(settings)})


def template(folder: Path) -> bytes:
    """Returns an empty ext4 without its holes: size, then (offset, length, bytes) of every piece that isn't zero."""
    image = folder / "template"
    image.write_bytes(b"")
    os.truncate(image, TEMPLATE_SIZE)
    mke2fs(image, 0, TEMPLATE_SIZE, "template")
    content, block = image.read_bytes(), 4096
    out = bytearray(b"VFXFLASH" + struct.pack("<Q", TEMPLATE_SIZE))
    for at in range(0, len(content), block):
        piece = content[at:at + block]
        if piece.strip(b"\0"):
            out += struct.pack("<QI", at, block) + piece
    image.unlink()
    return bytes(out)


def partition(kind: int, active: bool, start: int, size: int) -> bytes:
    # Cylinders say nothing on a disk this big: both marks are "use the sector numbers".
    beyond = b"\xfe\xff\xff"
    return bytes([0x80 if active else 0]) + beyond + bytes([kind]) + beyond + struct.pack("<II", start // SECTOR, size // SECTOR)


def disk(folder: Path, vmlinuz: Path, initrd: bytes) -> Path:
    """Makes the raw disk: MBR, FAT with syslinux, ext4."""
    raw = folder / "disk.raw"
    raw.write_bytes(b"")
    os.truncate(raw, DISK_SIZE)
    flash = BOOT_START + BOOT_SIZE
    code = Path("/usr/lib/syslinux/mbr/mbr.bin").read_bytes().ljust(440, b"\0")
    table = partition(0x0E, True, BOOT_START, BOOT_SIZE) + partition(0x83, False, flash, DISK_SIZE - flash)
    with raw.open("r+b") as file:
        file.write(code + b"vfxo\0\0" + table.ljust(64, b"\0") + b"\x55\xaa")
    stamp = {"SOURCE_DATE_EPOCH": str(epoch()), "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C"}
    fat = f"{raw}@@{BOOT_START}"
    sectors = str(BOOT_SIZE // SECTOR)
    run("mformat", "-i", fat, "-T", sectors, "-h", "255", "-s", "63", "-N", "76667873", "-v", "VFXOS-BOOT", "::", env=stamp)
    (folder / "initrd.zst").write_bytes(initrd)
    (folder / "vmlinuz").write_bytes(vmlinuz.read_bytes())
    (folder / "syslinux.cfg").write_text(SYSLINUX)
    for name in ("vmlinuz", "initrd.zst", "syslinux.cfg"):
        os.utime(folder / name, (epoch(), epoch()))
        run("mcopy", "-m", "-i", fat, folder / name, f"::/{name}", env=stamp)
    run("syslinux", "--install", "--offset", str(BOOT_START), raw, env=stamp)
    mke2fs(raw, flash, DISK_SIZE - flash, "flash")
    return raw


def bill(made_of: dict) -> bytes:
    """Writes a CycloneDX bill of materials: the crates in the binary, the C library it is linked with, kernel, boot loader."""
    tree = subprocess.run([os.environ.get("CARGO", "cargo"), "tree", "--locked", "--target", TARGET, "-e", "normal",
                           "--prefix", "none", "-f", "{p}|{l}"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sums = {(one["name"], one["version"]): one.get("checksum")
            for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    components = []
    for name, number, licence in sorted(set(re.findall(r"^(\S+) v(\S+)[^|\n]*\|([^\n]*)$", tree, re.MULTILINE))):
        licence = licence.removesuffix(" (*)").replace("/", " OR ")
        one = {"type": "library", "name": name, "version": number, "purl": f"pkg:cargo/{name}@{number}"}
        if licence:
            one["licenses"] = [{"expression": licence}]
        if sums.get((name, number)):
            one["hashes"] = [{"alg": "SHA-256", "content": sums[name, number]}]
        if name != "vfxos":
            components.append(one)
    for name, package in (("glibc", "libc6-dev"), ("syslinux", "syslinux-common")):
        number = kernel.package_version(package)
        components.append({"type": "library", "name": name, "version": number, "purl": f"pkg:deb/debian/{name}@{number}"})
    number = made_of["version"]
    components.append({"type": "operating-system", "name": made_of["name"], "version": number,
                       "purl": f"pkg:deb/debian/{made_of['source']}@{number}"})
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(NAMESPACE, json.dumps(components))),
        "metadata": {"component": {"type": "application", "name": "vfxos", "version": version()}},
        "components": components,
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def appliance(image: Path) -> bytes:
    """Fills the sum and the size of the disk into GNS3's appliance."""
    described = json.loads((ROOT / "images/gns3/vfxos.gns3a").read_text())
    content = image.read_bytes()
    described["images"] = [{"filename": image.name, "version": version(), "checksum": hashlib.md5(content).hexdigest(),
                            "filesize": len(content)}]
    described["versions"] = [{"name": version(), "images": {"hda_disk_image": image.name}}]
    return (json.dumps(described, indent=4) + "\n").encode()


def zstd(content: bytes, folder: Path) -> bytes:
    """Packs with a small window: what the kernel unpacks with has to fit into 64 MB as well."""
    source = folder / "content"
    source.write_bytes(content)
    run("zstd", "-q", "-f", "-19", "--zstd=wlog=21", "--no-progress", source, "-o", folder / "content.zst")
    return (folder / "content.zst").read_bytes()


def make(out: Path) -> list[Path]:
    # QEMU's own package lies beside Debian's on some machines; any qemu-img will do.
    kernel.install(kernel.lacking(TOOLS, FILES))
    made_of = kernel.debian() if os.environ.get("KERNEL") == "debian" else kernel.own()
    program = binary()
    out.mkdir(parents=True, exist_ok=True)
    names = {name: out / name for name in ("vmlinuz", "initramfs.cpio.zst", "cmdline", "kernel.txt")}
    stem = f"vfxos-{version()}"
    with tempfile.TemporaryDirectory(prefix="vfxos-image-", dir=out) as at:
        folder = Path(at)
        ramfs = zstd(archive.initramfs(program, template(folder), made_of["modules"], epoch()), folder)
        raw = disk(folder, made_of["image"], ramfs)
        packed = folder / "disk.qcow2"
        run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, packed)
        packed.replace(out / f"{stem}.qcow2")
    shutil.copyfile(made_of["image"], names["vmlinuz"])
    names["initramfs.cpio.zst"].write_bytes(ramfs)
    names["cmdline"].write_text(DIRECT + "\n")
    names["kernel.txt"].write_text(f"{made_of['source']} {made_of['version']}\n")
    (out / f"{stem}.oci.tar").write_bytes(archive.oci(program, version(), epoch()))
    (out / f"{stem}.cdx.json").write_bytes(bill(made_of))
    (out / "vfxos.gns3a").write_bytes(appliance(out / f"{stem}.qcow2"))
    shutil.copyfile(ROOT / "images/vfxos.svg", out / "vfxos.svg")
    made = [out / f"{stem}.qcow2", *names.values(), out / f"{stem}.oci.tar", out / f"{stem}.cdx.json", out / "vfxos.gns3a",
            out / "vfxos.svg"]
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    (out / "SHA256SUMS").write_text(sums)
    return [*made, out / "SHA256SUMS"]


def main() -> int:
    out = Path(os.environ.get("OUT") or ROOT / "target" / "image")
    try:
        for path in make(out):
            print(f"{path.stat().st_size:>10} {path}")
    except (Missing, subprocess.CalledProcessError) as why:
        print(f"image: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
