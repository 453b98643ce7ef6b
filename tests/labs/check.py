#!/usr/bin/env python3
"""Checks the files for labs under images/ against the schemas of their tools, and that a broken twin of each fails.

Prints one line a file; ends with 0 if all is well, 1 if not, 77 with the reason if it cannot check.
"""

import ast
import json
import os
import sys
from pathlib import Path

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing} (pip install jsonschema pyyaml)")
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images"
SCHEMAS = Path(__file__).resolve().parent / "schemas"


def by_schema(path):
    schema = json.loads(Path(path).read_text())
    checker = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)(schema)
    return lambda value: [f"{'/'.join(map(str, e.path))}: {e.message[:160]}" for e in checker.iter_errors(value)]


def keys(required, optional=(), **kinds):
    """A check for files whose tool has no schema: these keys and no others, these of this type."""
    def check(value):
        if not isinstance(value, dict):
            return ["no mapping"]
        wrong = [f"{key} is missing" for key in required if key not in value]
        wrong += [f"{key} is not known" for key in value if key not in required and key not in optional]
        return wrong + [f"{key} is no {kind.__name__}" for key, kind in kinds.items()
                        if key in value and not isinstance(value[key], kind)]
    return check


def gns3_summary(value):
    """What GNS3's schema of version 8 asks for, in short."""
    wrong = keys(["appliance_id", "name", "category", "description", "vendor_name", "vendor_url", "product_name",
                  "registry_version", "status", "maintainer", "maintainer_email", "settings"],
                 ["usage", "symbol", "first_port_name", "port_name_format", "images", "versions"],
                 settings=list, registry_version=int)(value)
    if value.get("category") not in ("router", "multilayer_switch", "switch", "firewall", "guest"):
        wrong.append("category")
    for one in value.get("settings", []):
        used = one.get("template_properties", {})
        if used.get("console_type") not in ("telnet", "vnc", "spice", "spice+agent", "none"):
            wrong.append("console_type")
        if used.get("on_close") not in ("power_off", "shutdown_signal", "save_vm_state"):
            wrong.append("on_close")
    images = {image["filename"] for image in value.get("images", [])}
    for version in value.get("versions", []):
        wrong += [f"no image {name}" for name in version["images"].values() if name not in images]
    return wrong


def gns3(value):
    named = [path for path in os.environ.get("VFXOS_GNS3_SCHEMA", "").split(":") if path]
    return gns3_summary(value) + [fault for path in named for fault in by_schema(path)(value)]


def python(text):
    try:
        names = {node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    except SyntaxError as error:
        return [str(error)]
    return [f"no class {name}" for name in ("VfxosVm", "Vfxos") if name not in names]


def makefile(text):
    given = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    wanted = ("VENDOR", "NAME", "IMAGE_FORMAT", "IMAGE_GLOB", "VERSION")
    return [f"{name} is missing" for name in wanted if name not in given]


def clabernetes(value):
    inner = yaml.safe_load(value["spec"]["definition"]["containerlab"])
    return by_schema(SCHEMAS / "clabernetes-topology.v1alpha1.schema.json")(value) + CLAB(inner)


CLAB = by_schema(SCHEMAS / "clab.schema.json")
EVE = keys(["type", "name", "description", "icon", "cpu", "ram", "ethernet", "qemu_nic", "console", "qemu_arch",
            "qemu_options"], ["cpulimit", "eth_name", "eth_format", "config_script", "qemu_version", "uuid"],
           cpu=int, ram=int, ethernet=int)
CML_IMAGE = keys(["id", "node_definition_id", "label", "description", "disk_image", "read_only", "schema_version"],
                 ["disk_subfolder"], read_only=bool)


def netlab(value):
    return keys(["description", "interface_name", "mgmt_if", "role", "group_vars", "clab"],
                ["ifindex_offset", "features", "libvirt"])(value["defaults"]["devices"]["vfxos"])


# File, reader, check, and what breaks the twin: a text in the file and what it becomes.
CHECKS = [
    *[(f"containerlab/{name}.clab.yml", yaml.safe_load, CLAB, ("kind: linux", "kind: cisco_fxos"))
      for name in ("single", "ha-pair", "offline-satellite", "capture")],
    ("clabernetes/topology.yaml", yaml.safe_load, clabernetes, ("connectivity: vxlan", "connectivity: string")),
    ("cml/node-definitions/vfxos.yaml", yaml.safe_load, by_schema(SCHEMAS / "cml-node_definition.json"),
     ("nature: firewall", "nature: chassis")),
    ("cml/image-definitions/vfxos-0.1.0.yaml", yaml.safe_load, CML_IMAGE, ("disk_image:", "disc_image:")),
    ("gns3/vfxos.gns3a", json.loads, gns3, ('"telnet"', '"serial"')),
    ("eve-ng/intel/vfxos.yml", yaml.safe_load, EVE, ("ram: 256", "ram: much")),
    ("eve-ng/amd/vfxos.yml", yaml.safe_load, EVE, ("qemu_nic:", "nic:")),
    ("vrnetlab/vfxos/docker/launch.py", str, python, ("class Vfxos(", "class Vfxos[(")),
    ("vrnetlab/vfxos/Makefile", str, makefile, ("VERSION=", "VERSION:")),
    ("netlab/vfxos.yml", yaml.safe_load, netlab, ("mgmt_if:", "management:")),
]


def main():
    failed = 0
    for name, read, check, (before, after) in CHECKS:
        text = (IMAGES / name).read_text()
        faults = check(read(text))
        if before not in text:
            faults.append(f"there is no {before!r} to break")
        elif not check(read(text.replace(before, after, 1))):
            faults.append("its broken twin passes")
        print(f"{'FAILED' if faults else 'ok':6} {name}", *faults, sep="\n       " if faults else " ")
        failed += bool(faults)
    # What the definitions promise is what the tests of the boot use.
    promised = {json.loads((IMAGES / "gns3/vfxos.gns3a").read_text())["settings"][0]["template_properties"]["ram"],
                yaml.safe_load((IMAGES / "cml/node-definitions/vfxos.yaml").read_text())["sim"]["linux_native"]["ram"],
                yaml.safe_load((IMAGES / "eve-ng/intel/vfxos.yml").read_text())["ram"]}
    if promised != {256}:
        print(f"FAILED the tests boot with 256 MB, the definitions say {promised}")
        failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
