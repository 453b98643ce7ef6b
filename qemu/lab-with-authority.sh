#!/usr/bin/env bash
# One chassis at this terminal that trusts a licence authority on this machine, and the authority. What to type is said first.
. "$(dirname "$0")/run.sh"
vfxos=${VFXOS:-$here/../target/release/vfxos}
[ -x "$vfxos" ] || { echo "$vfxos is missing: make build" >&2; exit 2; }
port=${PORT:-8443}
"$vfxos" authority --listen "127.0.0.1:$port" --name 10.0.0.2 --state "$state/authority" 2>"$state/authority.log" &
authority=$!
trap 'kill "$authority" 2>/dev/null || true' EXIT
for _ in $(seq 100); do grep -q 'from another terminal' "$state/authority.log" && break; sleep 0.1; done
day0=$state/lab.toml
url=https://10.0.0.2:$port/its/service/oddce/services/DDCEService
{
  printf '# vfxos\nhostname = "fw"\naddress = "10.0.0.15/24"\ngateway = "10.0.0.2"\n'
  printf 'authority-root = """\n%s\n"""\n' "$("$vfxos" ctl --state "$state/authority" root)"
  printf 'licensing-root = """\n%s\n"""\n' "$("$vfxos" ctl --state "$state/authority" root --licensing)"
  printf 'commands = ["top", "scope monitoring", "scope callhome", "scope profile SLProfile", "scope destination SLDest",'
  printf ' "set address %s", "commit-buffer"]\n' "$url"
} >"$day0"
grep -o 'a token is ready: .*' "$state/authority.log" || true
echo "login: admin, Admin123; then: scope license; register idtoken TOKEN; show license all. Ctrl-A x ends QEMU."
chassis lab -serial mon:stdio \
  -netdev user,id=mgmt,net=10.0.0.0/24,host=10.0.0.2,dns=10.0.0.3,dhcpstart=10.0.0.100,hostfwd=tcp:127.0.0.1:2222-10.0.0.15:22 \
  -device virtio-net-pci,netdev=mgmt -fw_cfg "name=opt/vfxos/config,file=$day0" "$@"
