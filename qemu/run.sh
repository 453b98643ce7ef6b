# What the run scripts share; they source it. Needs QEMU and `make image`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
image=${IMAGE:-$here/../target/image}
state=${STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/vfxos/qemu}
command -v qemu-system-x86_64 >/dev/null || { echo "qemu-system-x86_64 is missing: apt-get install qemu-system-x86" >&2; exit 2; }
base=$(ls "$image"/vfxos-*.qcow2 2>/dev/null | tail -1)
[ -n "$base" ] || { echo "no disk in $image: make image" >&2; exit 2; }
mkdir -p "$state"

# disk NAME: a disk of its own on top of the image's, kept between runs.
disk() {
  local path=$state/$1.qcow2
  [ -e "$path" ] || qemu-img create -q -f qcow2 -F qcow2 -b "$(readlink -f "$base")" "$path"
  echo "$path"
}

# chassis NAME ARGS...: QEMU with that disk. ACCEL=kvm where KVM works.
chassis() {
  local name=$1
  shift
  qemu-system-x86_64 -name "$name" -accel "${ACCEL:-tcg}" -m "${MEMORY:-256}" -display none -monitor none \
    -drive "file=$(disk "$name"),if=virtio" "$@"
}
