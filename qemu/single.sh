#!/usr/bin/env bash
# One chassis at this terminal: the setup dialog at first. Port 2222 of this machine leads to its SSH once its management
# address is 10.0.0.15/24 with the gateway 10.0.0.2. Ctrl-A x ends QEMU.
. "$(dirname "$0")/run.sh"
chassis single -serial mon:stdio \
  -netdev user,id=mgmt,net=10.0.0.0/24,host=10.0.0.2,dns=10.0.0.3,dhcpstart=10.0.0.100,hostfwd=tcp:127.0.0.1:2222-10.0.0.15:22 \
  -device virtio-net-pci,netdev=mgmt "$@"
