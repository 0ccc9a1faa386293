#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One boot of one machine, from within its own namespaces.

machine.py starts this as the first process of fresh mount, UTS and PID namespaces, in the machine's
network namespace. It sees to what a kernel and an init system would have done, runs the stages of
cloud-init in their order, and writes down how each one ended. All that it mounts and starts ends
with it.

usage: inside.py PLAN.json   (the keys of the plan: see Machine.plan in machine.py)
"""
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

# Of what root may do, everything that would reach through the namespaces to the host's kernel.
FORBIDDEN = ["mknod", "sys_boot", "sys_module", "sys_rawio", "sys_time", "syslog"]
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
ENVIRONMENT = {
    "PATH": "/opt/asked:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def mount_proc(root, cmdline):
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("--bind", cmdline, f"{root}/proc/cmdline")
    mount("--bind", f"{root}/proc/sys", f"{root}/proc/sys")
    mount("-o", "remount,bind,ro", f"{root}/proc/sys")


def mount_sys(root, dmi, more):
    """A /sys with this namespace's network interfaces, the machine's own DMI, and folders that a
    plan has named."""
    real = f"{root}/mnt"
    mount("-t", "sysfs", "sysfs", real)
    mount("-t", "tmpfs", "tmpfs", f"{root}/sys")
    shutil.copytree(dmi, f"{root}/sys/class/dmi/id")
    os.makedirs(f"{root}/sys/devices/virtual/net")
    os.makedirs(f"{root}/sys/class/net")
    mount("--bind", f"{real}/devices/virtual/net", f"{root}/sys/devices/virtual/net")
    for name in os.listdir(f"{real}/class/net"):
        os.symlink(f"../../devices/virtual/net/{name}", f"{root}/sys/class/net/{name}")
    for folder in more:
        os.makedirs(f"{root}/sys/{folder}")
        mount("--rbind", f"{real}/{folder}", f"{root}/sys/{folder}")
    subprocess.run(["umount", real], check=True)


def mount_dev(root):
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", f"{root}/dev")
    os.umask(0)
    for name, (major, minor) in DEVICES.items():
        os.mknod(f"{root}/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
    os.symlink("/proc/self/fd", f"{root}/dev/fd")
    os.umask(0o022)


def start(root, argv, log, **environment):
    """Starts one command in the machine."""
    caps = ",".join("-" + name for name in FORBIDDEN)
    command = ["setpriv", f"--bounding-set={caps}", "chroot", root, *argv]
    return subprocess.Popen(command, env={**ENVIRONMENT, **environment},
                            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                            start_new_session=True)


def end(child, seconds):
    """Waits for it; returns (exit code or None when its time was over, time)."""
    begun = time.monotonic()
    try:
        code = child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        code = None
    return code, round(time.monotonic() - begun, 2)


def start_service(root, argv, seconds, log):
    """As systemd starts a unit of Type=notify: it returns when the service says that it is ready.

    It returns (child or None if it never said so, time). What else it says is taken, for it may
    wait until it has been.
    """
    begun = time.monotonic()
    ready = threading.Event()
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(f"{root}/run/notify")

    def listen():
        while True:
            if b"READY=1" in notify.recv(4096):
                ready.set()

    threading.Thread(target=listen, daemon=True).start()
    child = start(root, argv, log, NOTIFY_SOCKET="/run/notify")
    in_time = ready.wait(seconds)
    return child if in_time else None, round(time.monotonic() - begun, 2)


def keep_network(root, logs, stage):
    """What cloud-init has rendered so far: each later stage may overwrite it."""
    if os.path.isdir(f"{root}/etc/netplan"):
        shutil.copytree(f"{root}/etc/netplan", f"{logs}/netplan-after-{stage}", dirs_exist_ok=True)


def run_stages(plan, root, logs, log):
    ended, service = [], None
    for stage in plan["stages"]:
        log.write(f"--- {stage['name']}\n".encode())
        log.flush()
        if stage["type"] == "notify":
            service, seconds = start_service(root, stage["argv"], stage["seconds"], log)
            code = 0 if service else None
        else:
            code, seconds = end(start(root, stage["argv"], log), stage["seconds"])
        ended.append({"name": stage["name"], "code": code, "seconds": seconds})
        keep_network(root, logs, stage["name"])
        if code is None:
            return ended
        for command in plan["after"].get(stage["name"], []):
            subprocess.run(command, check=True)
    if service:
        code, seconds = end(service, plan["stages"][0]["seconds"])
        ended.append({"name": "end", "code": code, "seconds": seconds})
    return ended


def main(path):
    with open(path, encoding="utf-8") as f:
        plan = json.load(f)
    root, logs = plan["root"], plan["logs"]
    mount_proc(root, plan["cmdline"])
    mount_sys(root, plan["dmi"], plan.get("sys", []))
    mount_dev(root)
    for arguments in plan.get("mounts", []):
        mount(*arguments)
    subprocess.run(["hostname", "localhost"], check=True)
    for command in plan["power_on"]:
        subprocess.run(command, check=True)
    with open(f"{logs}/console.log", "wb") as log:
        ended = run_stages(plan, root, logs, log)
    with open(f"{logs}/stages.json", "w", encoding="utf-8") as f:
        json.dump(ended, f, indent=1)


if __name__ == "__main__":
    main(sys.argv[1])
