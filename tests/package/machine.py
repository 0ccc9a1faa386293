# SPDX-License-Identifier: Apache-2.0
"""A VM without a network whose only file system is a root with the packages: systemd is its first process.

QEMU without KVM, the kernel of tests/firmware/image.py (newer ones panic there), the root as its initrd.
"""
import os
import re
import shutil
import subprocess

import build
import image
import tap

LIMIT_SECONDS = 3600
UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStart=/srv/guest.sh
[Install]
WantedBy=default.target
"""


def play(root, newer, commands, kernel, logs):
    """What the guest said on its serial port."""
    shutil.copy(os.path.join(os.path.dirname(__file__), "guest.sh"), f"{root.path}/srv/guest.sh")
    root.put("newer", newer)
    with open(f"{root.path}/srv/commands", "w", encoding="utf-8") as f:
        f.write("".join(command + "\n" for command in commands))
    with open(f"{root.path}/etc/systemd/system/guest.service", "w", encoding="utf-8") as f:
        f.write(UNIT)
    # A login there would hang up the terminal that the guest speaks at.
    root.run("systemctl -q enable guest.service; systemctl -q mask serial-getty@ttyS0.service; "
             ": >/etc/machine-id; ln -sf sbin/init /init; umount /proc")
    initrd = f"{os.path.dirname(root.path)}/initrd.img"
    build.run("sh", "-euc", image.PACK, cwd=root.path, seconds=600)
    os.makedirs(logs, exist_ok=True)
    serial = os.path.join(logs, "serial.log")
    with open(os.path.join(logs, "qemu.log"), "wb") as log:
        vm = subprocess.Popen(
            ["timeout", "--kill-after=5", str(LIMIT_SECONDS), "qemu-system-x86_64", "-accel", "tcg",
             "-cpu", "max", "-m", "2048", "-nodefaults", "-display", "none", "-no-reboot", "-nic", "none",
             "-serial", f"file:{serial}", "-kernel", kernel, "-initrd", initrd,
             "-append", "console=ttyS0 quiet panic=-1 systemd.show_status=0"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        tap.wait_until(lambda: vm.poll() is not None, LIMIT_SECONDS + 60, "the VM's end", 0.5)
    finally:
        vm.kill()
        vm.wait()
    with open(serial, encoding="utf-8", errors="replace") as f:
        return "\n".join(re.findall(r"guest: (.*?)\r?$", f.read(), re.M))
