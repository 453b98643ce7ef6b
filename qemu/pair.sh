#!/usr/bin/env bash
# Two chassis on one wire, 10.0.0.15 and 10.0.0.16: their consoles are the files fw1.log and fw2.log and the sockets fw1.sock
# and fw2.sock in the state folder (socat -,raw,echo=0 unix-connect:FILE). Ctrl-C ends both.
. "$(dirname "$0")/run.sh"
wire=${WIRE:-230.0.0.1:$((20000 + $(id -u) % 10000))}
running=()
trap 'for one in "${running[@]}"; do kill "$one" 2>/dev/null || true; done' EXIT
for number in 1 2; do
  day0=$state/fw$number.toml
  printf '# vfxos\nhostname = "fw%s"\naddress = "10.0.0.%s/24"\ngateway = "10.0.0.2"\n' "$number" "$((14 + number))" >"$day0"
  chassis "fw$number" -chardev "socket,id=tty,path=$state/fw$number.sock,server=on,wait=off,logfile=$state/fw$number.log" \
    -serial chardev:tty -netdev "socket,id=mgmt,mcast=$wire" \
    -device "virtio-net-pci,netdev=mgmt,mac=52:54:00:00:00:0$number" -fw_cfg "name=opt/vfxos/config,file=$day0" &
  running+=($!)
done
echo "consoles: $state/fw1.sock and $state/fw2.sock; admin, Admin123; Ctrl-C ends both"
wait
