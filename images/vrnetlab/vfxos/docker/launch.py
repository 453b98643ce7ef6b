#!/usr/bin/env python3
"""Starts the vfxos appliance in a vrnetlab container."""

import argparse
import datetime
import json
import logging
import os
import re
import signal
import sys

import vrnetlab

STARTUP = "/config/startup-config.cfg"
DAY0 = "/day0.toml"


def on_end(_signal, _frame):
    sys.exit(0)


signal.signal(signal.SIGTERM, on_end)
signal.signal(signal.SIGINT, on_end)


class VfxosVm(vrnetlab.VM):
    def __init__(self, username, password, hostname, conn_mode):
        disk = next(f"/{name}" for name in sorted(os.listdir("/")) if re.fullmatch(r"vfxos-.*\.qcow2", name))
        super().__init__(username, password, disk_image=disk, ram=256, smp="1", driveif="virtio")
        self.hostname, self.conn_mode = hostname, conn_mode
        self.nic_type = "virtio-net-pci"
        self.num_nics = 8
        self.qemu_args.extend(["-fw_cfg", f"name=opt/vfxos/config,file={self.day0()}"])

    def day0(self):
        """A configuration that was brought goes first; else the names that containerlab gives."""
        if os.path.exists(STARTUP):
            return STARTUP
        lines = [f"hostname = {json.dumps(self.hostname)}", f"password = {json.dumps(self.password)}",
                 'address = "10.0.0.15/24"', 'gateway = "10.0.0.2"', 'dns = ["10.0.0.3"]']
        with open(DAY0, "w", encoding="utf-8") as file:
            file.write("\n".join(["# vfxos", *lines]) + "\n")
        return DAY0

    def bootstrap_spin(self):
        # The prompt appears when SSH, HTTPS and the agent answer.
        index, match, said = self.con_expect([rb"login: "])
        if match is not None and index == 0:
            self.running = True
            self.scrapli_tn.close()
            self.logger.info("Startup complete in: %s", datetime.datetime.now() - self.start_time)
            return
        if said:
            self.logger.debug("OUTPUT: %s", said.decode(errors="replace"))


class Vfxos(vrnetlab.VR):
    def __init__(self, hostname, username, password, conn_mode):
        super().__init__(username, password)
        self.vms = [VfxosVm(username, password, hostname, conn_mode)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--username", default="admin")
    parser.add_argument("--password", default="Admin123")
    parser.add_argument("--hostname", default="vfxos")
    parser.add_argument("--connection-mode", default="tc")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s: %(module)-10s %(levelname)-8s %(message)s")
    logging.getLogger().setLevel(1 if arguments.trace else logging.DEBUG)
    vrnetlab.boot_delay()
    Vfxos(arguments.hostname, arguments.username, arguments.password, arguments.connection_mode).start()
