#!/usr/bin/env python3
"""Figures of the appliance, each beside its peer in the same run: the same kernel with an init that prints `login:` and waits.

RUNS=n for another number of runs. Ends with 1 if a figure is over its limit.
"""

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import archive  # noqa: E402
import image  # noqa: E402

RUNS = int(os.environ.get("RUNS", "5"))
IDLE_SECONDS = 10
PATIENCE = 180
# An init that does nothing: the floor of what this kernel can do.
BARE = """
#include <unistd.h>
int main(void) { write(1, "login: ", 7); for (;;) pause(); }
"""


class Guest:
    def __init__(self, *arguments):
        self.start = time.monotonic()
        command = ["qemu-system-x86_64", "-accel", "tcg", "-display", "none", "-monitor", "none", "-no-reboot", "-serial",
                   "stdio", "-no-user-config", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.printed = b""

    def until(self, text):
        """Returns the seconds from QEMU's start until the text is printed."""
        end = self.start + PATIENCE
        while text not in self.printed:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not more:
                raise SystemExit(f"no {text!r}:\n{self.printed.decode(errors='replace')}")
            self.printed += more
        return time.monotonic() - self.start

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle(self):
        """Returns the share of a CPU that QEMU uses while nobody does anything."""
        time.sleep(5)
        before = self.cpu()
        time.sleep(IDLE_SECONDS)
        return (self.cpu() - before) / IDLE_SECONDS

    def end(self):
        self.process.kill()
        self.process.wait()


def timed(*arguments):
    guest = Guest(*arguments)
    try:
        return guest.until(b"login: ")
    finally:
        guest.end()


def peer(folder, out):
    """Makes initramfs and disk of the peer by the recipe of the appliance's own."""
    source, binary = folder / "bare.c", folder / "bare"
    source.write_text(BARE)
    subprocess.run(["gcc", "-static", "-Os", "-s", "-o", binary, source], check=True)
    ramfs = image.zstd(archive.initramfs(binary.read_bytes(), b"", [], image.epoch()), folder)
    (folder / "bare.zst").write_bytes(ramfs)
    raw = image.disk(folder, out / "vmlinuz", ramfs)
    subprocess.run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, folder / "bare.qcow2"], check=True)
    raw.unlink()


def overlay(base, path):
    path.unlink(missing_ok=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base.resolve(), path], check=True)
    return path


def main():
    out = Path(os.environ.get("OUT") or image.ROOT / "target" / "image")
    disk = next(out.glob("*.qcow2"))
    rows, over = [], []

    def row(name, value, limit=None):
        rows.append((name, value))
        if limit is not None and not limit:
            over.append(name)

    with tempfile.TemporaryDirectory(prefix="vfxos-bench-") as at:
        folder = Path(at)
        peer(folder, out)
        day0 = folder / "day0"
        day0.write_text('# vfxos\nhostname = "bench"\naddress = "10.0.0.15/24"\n')
        common = ["-m", "256", "-fw_cfg", f"name=opt/vfxos/config,file={day0}", "-nic", "user,model=virtio-net-pci"]
        direct = ["-kernel", out / "vmlinuz", "-append", (out / "cmdline").read_text().strip(), "-initrd"]
        own = overlay(disk, folder / "own.qcow2")
        bare = overlay(folder / "bare.qcow2", folder / "bare-overlay.qcow2")
        drive = lambda path: ["-drive", f"file={path},if=virtio"]  # noqa: E731
        first = timed(*common, *drive(own))
        found = {"disk": ([], []), "direct": ([], [])}
        for _ in range(RUNS):
            # Alternately, so that what else the machine does falls on both.
            found["disk"][0].append(timed(*common, *drive(own)))
            found["disk"][1].append(timed(*common, *drive(bare)))
            found["direct"][0].append(timed(*common, *direct, out / "initramfs.cpio.zst", *drive(own)))
            found["direct"][1].append(timed(*common, *direct, folder / "bare.zst", *drive(bare)))
        for way, (ours, theirs) in found.items():
            a, b = statistics.median(ours), statistics.median(theirs)
            row(f"{way}: QEMU's start to login:", f"{a:.2f} s, bare init {b:.2f} s, ratio {a / b:.2f} (limit 1.3)", a / b <= 1.3)
        row("first boot, with day 0 and keys to make", f"{first:.2f} s")
        size = disk.stat().st_size / 1e6
        row("qcow2", f"{size:.1f} MB (limit 24, hoped for 16)", size <= 24)
        small = [part if part != "256" else "64" for part in common]
        row("with -m 64", f"login: after {timed(*small, *drive(own)):.2f} s")
        shares = []
        for path in (own, bare):
            guest = Guest(*common, *drive(path))
            guest.until(b"login: ")
            shares.append(guest.idle())
            guest.end()
        row("idle, share of a CPU", f"{shares[0]:.3f}, bare init {shares[1]:.3f} (limit 0.02 more)", shares[0] <= shares[1] + 0.02)
    for name, value in rows:
        print(f"{name:40} {value}")
    if over:
        print("over the limit: " + ", ".join(over), file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
