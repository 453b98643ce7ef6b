"""Archives that are the same bytes for the same inputs: the initramfs, and the container image without an engine."""

import gzip
import hashlib
import io
import json
import tarfile
from datetime import datetime, timezone

FOLDERS = ("config", "dev", "etc", "flash", "media", "proc", "run", "sys", "tmp")


def cpio(entries: list[tuple[str, int, bytes]], epoch: int) -> bytes:
    """Writes a `newc` archive of (name, mode, content); the content of a device node is `major:minor`."""
    out = bytearray()
    for number, (name, mode, content) in enumerate([*sorted(entries), ("TRAILER!!!", 0, b"")], 1):
        major = minor = 0
        if mode & 0o170000 == 0o020000:
            major, minor = (int(part) for part in content.split(b":"))
            content = b""
        spelled = name.encode() + b"\0"
        time = 0 if name == "TRAILER!!!" else epoch
        fields = (number, mode, 0, 0, 1, time, len(content), 0, 0, major, minor, len(spelled), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + spelled
        out += b"\0" * (-len(out) % 4) + content
        out += b"\0" * (-len(out) % 4)
    out += b"\0" * (-len(out) % 512)
    return bytes(out)


def initramfs(binary: bytes, template: bytes, modules: list[tuple[str, bytes]], epoch: int) -> bytes:
    folder, file = 0o040755, 0o100644
    entries = [(name, folder, b"") for name in (*FOLDERS, "lib", "lib/modules")]
    entries += [("dev/console", 0o020600, b"5:1"), ("dev/null", 0o020666, b"1:3"), ("init", 0o100755, binary), ("vfxos", 0o120777, b"init")]
    entries += [("lib/flash.template", file, template)]
    entries += [(f"lib/modules/{name}.ko", file, content) for name, content in modules]
    entries += [("lib/modules/order", file, "".join(f"{name}.ko\n" for name, _ in modules).encode())] if modules else []
    return cpio(entries, epoch)


def _add(tar: tarfile.TarFile, name: str, content: bytes | None, mode: int, epoch: int) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = mode, epoch
    if content is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    else:
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))


def _tar(entries: list[tuple[str, bytes | None, int]], epoch: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, mode in sorted(entries):
            _add(tar, name, content, mode, epoch)
    return out.getvalue()


def oci(binary: bytes, version: str, epoch: int) -> bytes:
    """Makes a tarball that is both an OCI layout and what `docker save` writes."""
    layer = _tar([(name, None, 0o755) for name in FOLDERS] + [("vfxos", binary, 0o755)], epoch)
    packed = gzip.compress(layer, 9, mtime=0)
    made = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    second = 1_000_000_000
    health = {"Test": ["CMD", "/vfxos", "ctl", "health"], "Interval": 5 * second, "Timeout": 3 * second,
              "StartPeriod": 3 * second, "Retries": 12}
    config = _json({
        "architecture": "amd64", "os": "linux", "created": made,
        "config": {
            "Entrypoint": ["/vfxos", "init"], "Env": ["PATH=/"], "WorkingDir": "/", "StopSignal": "SIGTERM",
            "ExposedPorts": {"22/tcp": {}, "443/tcp": {}}, "Volumes": {"/flash": {}}, "Healthcheck": health,
            "Labels": {"org.opencontainers.image.title": "vfxos", "org.opencontainers.image.version": version,
                       "org.opencontainers.image.licenses": "MIT OR Apache-2.0"},
        },
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": made, "created_by": "vfxos: make image"}],
    })
    types = "application/vnd.oci.image"
    manifest = _json({
        "schemaVersion": 2, "mediaType": f"{types}.manifest.v1+json",
        "config": _descriptor(f"{types}.config.v1+json", config),
        "layers": [_descriptor(f"{types}.layer.v1.tar+gzip", packed)],
    })
    name = f"vfxos:{version}"
    index = _json({
        "schemaVersion": 2, "mediaType": f"{types}.index.v1+json",
        "manifests": [{**_descriptor(f"{types}.manifest.v1+json", manifest),
                       "annotations": {"io.containerd.image.name": f"docker.io/library/{name}",
                                       "org.opencontainers.image.ref.name": version}}],
    })
    docker = _json([{"Config": _blob(config), "RepoTags": [name], "Layers": [_blob(packed)]}])
    files = [(_blob(content), content) for content in (config, packed, manifest)]
    files += [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index), ("manifest.json", docker)]
    entries = [(name, content, 0o644) for name, content in files]
    return _tar(entries + [("blobs", None, 0o755), ("blobs/sha256", None, 0o755)], epoch)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _blob(content: bytes) -> str:
    return "blobs/" + _digest(content).replace(":", "/")


def _descriptor(media: str, content: bytes) -> dict:
    return {"mediaType": media, "digest": _digest(content), "size": len(content)}
