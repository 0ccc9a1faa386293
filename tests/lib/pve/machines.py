# SPDX-License-Identifier: Apache-2.0
"""Virtual machines as Proxmox VE keeps them: options, what is pending, disks, clones."""
import base64
import hashlib
import random
import re
import uuid

from pve.schema import Refused, fields_of, properties, text_of, wrong

DISKS = re.compile(r"(ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0|unused\d+")
CARDS = re.compile(r"net\d+")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

# Options, and what a token needs to set them.
PRIVILEGES = {
    "VM.Config.CPU": "cores sockets cpu cpulimit cpuunits numa vcpus smp",
    "VM.Config.Memory": "memory balloon shares allow-ksm",
    "VM.Config.HWType": "smbios1 machine vga scsihw tablet watchdog rng0 hotplug kvm acpi audio0"
                        " keyboard localtime startdate serial parallel",
    "VM.Config.Options": "name description onboot agent bios ostype protection tags autostart"
                         " reboot freeze tdf migrate_speed migrate_downtime",
    "VM.Config.Disk": "boot bootdisk efidisk tpmstate ide sata scsi virtio unused",
    "VM.Config.Network": "net",
    "VM.Config.Cloudinit": "cicustom ciuser cipassword citype ciupgrade sshkeys ipconfig nameserver"
                           " searchdomain",
}
NEEDED = {option: priv for priv, options in PRIVILEGES.items() for option in options.split()}
# Set by root only, whatever a token of root's may do.
ROOT_ONLY = {"args", "vmgenid", "affinity", "arch", "hookscript", "hugepages", "keephugepages",
             "lock", "skiplock", "template"}
AT_ONCE = {"name", "description", "tags", "onboot", "startup", "protection", "cicustom", "ciuser",
           "cipassword", "citype", "ciupgrade", "sshkeys", "nameserver", "searchdomain"}
AT_ONCE_IN_NET = {"bridge", "tag", "firewall", "rate"}
STEERING = {"node", "vmid", "digest", "delete", "revert", "force", "background_delay", "skiplock"}


def bytes_of(size):
    number, unit = re.fullmatch(r"([\d.]+)([KMGT]?)", size).groups()
    return int(float(number) * UNITS[unit])


def size_of(count):
    unit = next(u for u in "TGMK" if count % UNITS[u] == 0)
    return f"{count // UNITS[unit]}{unit}"


def base_of(option):
    return re.sub(r"\d+$", "", option) if re.fullmatch(r"[a-z]+\d+", option) \
        and option not in NEEDED else option


def owner_of(volume):
    """The VM whose volume it is; None: an image, or nobody's."""
    found = re.match(r"(?:vm|base)-(\d+)-", volume.rpartition("/")[2])
    return int(found[1]) if found else None


def new_mac(rand):
    return "BC:24:11:" + ":".join(f"{rand.randrange(256):02X}" for _ in range(3))


def smbios(text):
    """smbios1 as it is stored: sorted, without what Perl takes for false."""
    found = properties(fields_of("smbios1"), text)
    return text_of({k: v for k, v in found.items() if v not in ("0", False)})


def decoded(text):
    """The fields of smbios1 as the firmware shows them."""
    found = properties(fields_of("smbios1"), text)
    if not found.pop("base64", False):
        return found
    return {k: v if k == "uuid" else base64.b64decode(v).decode("utf-8", "replace")
            for k, v in found.items()}


class Vm:
    def __init__(self, vmid, host, config=None):
        self.vmid, self.host = vmid, host
        self.config = dict(config or {})
        self.pending = {}  # None: deleted at the next start
        self.started_with = {}
        self.running, self.template, self.ha = False, False, False
        self.lock = None
        self.named_at = 0.0  # when cluster/resources knows its name

    def with_pending(self):
        merged = {**self.config, **self.pending}
        return {k: v for k, v in merged.items() if v is not None}

    def digest(self):
        text = "\n".join(f"{k}: {v}" for k, v in sorted(self.config.items())) + repr(self.pending)
        return hashlib.sha1(text.encode()).hexdigest()

    def need_unlocked(self):
        if self.lock:
            raise Refused(500, f"VM is locked ({self.lock})")

    def apply_pending(self):
        self.config = self.with_pending()
        self.pending = {}

    def volumes(self):
        """(option, storage, properties) of each disk; empty drives have none."""
        for option, text in self.config.items():
            if not DISKS.fullmatch(option):
                continue
            found = properties(fields_of(option), text)
            if ":" in found["file"]:
                yield option, found["file"].partition(":")[0], found

    def cards(self):
        for option, text in self.config.items():
            if CARDS.fullmatch(option):
                yield option, properties(fields_of(option), text)

    def set(self, option, text):
        """Writes an option, at once or pending, as the running machine takes it."""
        if not self.running or base_of(option) in AT_ONCE | {"ipconfig"}:
            self.config[option] = text
            self.pending.pop(option, None)
            return
        if CARDS.fullmatch(option) and text and option in self.config:
            fields = fields_of(option)
            old, new = properties(fields, self.config[option]), properties(fields, text)
            changed = {k for k in old.keys() | new.keys() if old.get(k) != new.get(k)}
            if changed <= AT_ONCE_IN_NET:
                self.config[option] = text
                self.pending.pop(option, None)
                return
        if self.config.get(option) == text:
            self.pending.pop(option, None)
        else:
            self.pending[option] = text

    def unset(self, option):
        if not self.running or base_of(option) in AT_ONCE | {"ipconfig"}:
            self.config.pop(option, None)
            self.pending.pop(option, None)
        elif option in self.config:
            self.pending[option] = None
        else:
            self.pending.pop(option, None)


def stored(option, value, rand, old=None):
    """A value as the configuration keeps it."""
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if option == "smbios1":
        return smbios(text)
    if option == "tags":
        return ";".join(sorted(set(re.split(r"[,; ]+", text.lower())) - {""}))
    if CARDS.fullmatch(option):
        found = properties(fields_of(option), text)
        mac = found.pop("macaddr", None) or new_mac(rand)  # the old one is not kept
        model = found.pop("model")
        rest = ",".join(f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in found.items())
        return f"{model}={mac.upper()}" + (f",{rest}" if rest else "")
    if DISKS.fullmatch(option) and old:
        # The size is the volume's, whatever is written.
        before, now = (properties(fields_of(option), t) for t in (old, text))
        if before["file"] == now["file"] and "size" in before:
            now["size"] = before["size"]
            return disk_text(now)
    return text


def disk_text(found):
    """A disk's properties as they are stored: the volume first."""
    rest = ",".join(f"{k}={int(v) if isinstance(v, bool) else v}"
                    for k, v in sorted(found.items()) if k != "file")
    return found["file"] + (f",{rest}" if rest else "")


def cloned_config(source, name, description, rand=random):
    """What a clone begins with. Copied, too, is what its owner may not expect: description, tags,
    onboot, startup, protection, cloud-init's options and the serial number."""
    config = {k: v for k, v in source.config.items() if not DISKS.fullmatch(k)}
    config["name"] = name or f"Copy-of-VM-{source.config.get('name', source.vmid)}"
    if description is not None:
        config["description"] = description
    found = properties(fields_of("smbios1"), config.get("smbios1", ""))
    found["uuid"] = str(uuid.UUID(int=rand.getrandbits(128), version=4))
    config["smbios1"] = text_of(found)
    for option, card in source.cards():
        card["macaddr"] = new_mac(rand)
        model, mac = card.pop("model"), card.pop("macaddr")
        rest = ",".join(f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in card.items())
        config[option] = f"{model}={mac}" + (f",{rest}" if rest else "")
    return config


def need_digest(vm, given):
    if given and given != vm.digest():
        raise Refused(500, "checksum mismatch (file change by other user?)")


def need_existing_devices(config, boot):
    """`order=scsi0;net0`: each must be there."""
    order = re.fullmatch(r"order=(.*)", boot)
    for device in filter(None, order[1].split(";") if order else []):
        if device not in config:
            raise wrong(boot=f"invalid bootorder: device '{device}' does not exist'")
