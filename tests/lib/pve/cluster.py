# SPDX-License-Identifier: Apache-2.0
"""A cluster of Proxmox VE without its HTTP: hosts, storages, pools, and what each method does.

A test makes it as it needs it:

    pve = Pve((9, 2))
    pve.add_host("pve1"); pve.add_storage("local-lvm", linked=True)
    pve.add_vm(9000, "pve1", template=True, name="noble", scsi0="local-lvm:4", net0="virtio,bridge=vmbr0")
    pve.add_pool("k8s", 9000, "local-lvm")

and reads and changes `pve.vms` as it likes, with `pve.lock` held where tasks run.
"""
import random
import re
import threading
import time

from pve.machines import (CARDS, DISKS, NEEDED, ROOT_ONLY, STEERING, Vm, base_of, bytes_of,
                          cloned_config, disk_text, need_digest, need_existing_devices,
                          owner_of, size_of, stored)
from pve.rights import Rights, denied
from pve.schema import Refused, fields_of, properties, wrong
from pve.tasks import Tasks

# Parameters that older versions do not know.
ABSENT = {
    (7, 4): ("ciupgrade", "allow-ksm", "amd-sev", "intel-tdx", "virtiofs", "import-working-storage"),
    (8, 4): ("allow-ksm", "intel-tdx"),
}
STORAGE_BUSY = ("can't lock file '/var/lock/pve-manager/pve-storage-{}' - got timeout")
CLONES_AT_ONCE = 3  # more for one storage wait too long for its lock


class Host:
    def __init__(self, name):
        self.name, self.up, self.bridges = name, True, {"vmbr0"}
        self.memory, self.used = 64 << 30, 2 << 30


class Storage:
    def __init__(self, name, kind, hosts, linked, content):
        self.name, self.kind, self.hosts = name, kind, hosts  # hosts: None for shared
        self.linked, self.content = linked, content
        self.volumes, self.busy = {}, 0


class Pve:
    """`hurry` divides every time that Proxmox takes."""

    def __init__(self, version=(9, 2), hurry=100.0, seed=1):
        self.version, self.hurry = version, hurry
        self.lock = threading.RLock()
        self.rand = random.Random(seed)
        self.hosts, self.storages, self.vms, self.pools = {}, {}, {}, {}
        self.images = {}  # URLs that download-url can reach: (size, sha256)
        self.rights = Rights(version, self.pools)
        self.tasks = Tasks(self.lock, 0.2 / hurry)
        self.taken = []  # ids that a rival takes at the moment a clone wants to begin

    # --- how a test makes it ---

    def add_host(self, name):
        self.hosts[name] = Host(name)

    def add_storage(self, name, kind="lvmthin", hosts=None, linked=True,
                    content="images,rootdir"):
        """`hosts` None: shared by all."""
        self.storages[name] = Storage(name, kind, hosts, linked, content)

    def add_pool(self, name, *members):
        self.pools[name] = set(members)

    def add_vm(self, vmid, host, template=False, **options):
        vm = Vm(vmid, host)
        self.vms[vmid] = vm
        options.setdefault("smbios1", "uuid=" + self._uuid())
        for option, value in options.items():
            if DISKS.fullmatch(option):
                value = self._allocate(vm, option, value)
            vm.config[option] = stored(option, value, self.rand)
        if template:
            self._convert(vm)
        return vm

    def _convert(self, vm):
        """A template's volumes are named as bases of others."""
        for option, name, found in list(vm.volumes()):
            volumes, old = self.storages[name].volumes, found["file"].partition(":")[2]
            if old in volumes:
                found["file"] = f"{name}:{old.replace('vm-', 'base-', 1)}"
                volumes[found["file"].partition(":")[2]] = volumes.pop(old)
                vm.config[option] = disk_text(found)
        vm.template = True
        vm.config["template"] = "1"

    def plan_task(self, kind, times=1, **plan):
        """What the next tasks of a kind (a pattern) do: `warnings` N, `fails_at` STEP with `text`,
        `killed_at` STEP, `unseen` N polls, `slower` N, `gate` (an event, awaited before step
        `gate_at`)."""
        self.tasks.plans.append({"kind": kind, "times": times, **plan})

    def migrate(self, vmid, host):
        self.vms[vmid].host = host

    # --- small helpers ---

    def _uuid(self):
        text = f"{self.rand.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def _vm(self, token, node, vmid, *privs, any_of=()):
        """Rights are looked at before the VM's existence."""
        path = f"/vms/{vmid}"
        if any_of:
            self.rights.need_any(token, path, any_of)
        self.rights.need(token, path, *privs)
        vm = self.vms.get(vmid)
        if not vm or vm.host != node:
            raise Refused(500, f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf'"
                               " does not exist")
        return vm

    def _storage(self, name, host):
        storage = self.storages.get(name)
        if not storage:
            raise Refused(500, f"storage '{name}' does not exist")
        if storage.hosts is not None and host not in storage.hosts:
            raise Refused(500, f"storage '{name}' is not available on node '{host}'")
        return storage

    def _allocate(self, vm, option, text):
        """STORAGE:SIZE becomes a volume; any other text stays as it is."""
        found = properties(fields_of(option), text)
        name, _, rest = found["file"].partition(":")
        source = found.pop("import-from", None)
        if not re.fullmatch(r"\d+(\.\d+)?|cloudinit", rest):
            return disk_text(found)
        storage = self._storage(name, vm.host)
        if source:
            size = self._size_of(source, vm.host)
        elif rest == "cloudinit" or option in ("efidisk0", "tpmstate0"):
            size = 4 << 20
            if found.get("pre-enrolled-keys") and self.version >= (9, 2):
                found["ms-cert"] = "2023k"  # a marker of what the host's firmware has in it
            if rest == "cloudinit":
                found["media"] = "cdrom"
        else:
            size = int(float(rest) * (1 << 30))
        return self._volume(vm, storage, found, size)

    def _size_of(self, source, host):
        """Of a volume that is imported on a host: local storages have the same name on each."""
        home, _, image = source.partition(":")
        storage = self._storage(home, host)
        owner = self.vms.get(owner_of(image))
        if image not in storage.volumes or (storage.hosts is not None and owner
                                            and owner.host != host):
            raise Refused(500, f"volume '{source}' does not exist")
        if owner and owner.host != host:  # also where the storage is shared
            raise Refused(500, f"owner VM {owner.vmid} not on local node")
        return storage.volumes[image]

    def _volume(self, vm, storage, found, size):
        number = 0
        while {f"{kind}-{vm.vmid}-disk-{number}" for kind in ("vm", "base")} & storage.volumes.keys():
            number += 1
        is_seed = found["file"].endswith("cloudinit")
        name = f"vm-{vm.vmid}-cloudinit" if is_seed else f"vm-{vm.vmid}-disk-{number}"
        storage.volumes[name] = size
        found["file"], found["size"] = f"{storage.name}:{name}", size_of(size)
        return disk_text(found)

    def free(self, vm):
        for _, name, found in list(vm.volumes()):
            storage = self.storages.get(name)
            if storage:
                storage.volumes.pop(found["file"].partition(":")[2], None)

    def need_network(self, token, cards):
        if self.version < (8, 0):
            return
        for card in cards:
            bridge = card.get("bridge")
            if bridge:
                tag = f"/{card['tag']}" if card.get("tag") else ""
                self.rights.need(token, f"/sdn/zones/localnetwork/{bridge}{tag}", "SDN.Use")

    # --- methods that read ---

    def next_id(self, _token, vmid=None):
        if vmid is not None:
            if vmid in self.vms:
                raise wrong(vmid=f"VM {vmid} already exists")
            return str(vmid)
        return str(next(n for n in range(100, 10**9) if n not in self.vms))

    def resources(self, token, **query):
        found, now = [], time.monotonic()
        for vm in self.vms.values():
            if not self.rights.may(token, f"/vms/{vm.vmid}", "VM.Audit"):
                continue
            item = {"id": f"qemu/{vm.vmid}", "type": "qemu", "vmid": vm.vmid, "node": vm.host,
                    "template": vm.template, "maxcpu": 2,
                    "maxmem": int(vm.config.get("memory", 512)) << 20}
            if now >= vm.named_at:
                item["name"] = vm.config.get("name")
                item["status"] = "running" if vm.running else "stopped"
                if vm.config.get("tags"):
                    item["tags"] = vm.config["tags"]
            if not self.hosts[vm.host].up:
                item["status"] = "unknown"
                item.pop("name", None)
            if vm.lock:
                item["lock"] = vm.lock
            for pool, members in self.pools.items():
                if vm.vmid in members:
                    item["pool"] = pool
            found.append(item)
        if query.get("type") in (None, "node"):
            found += [self._host_resource(token, host) for host in self.hosts.values()]
        wanted = {None: None, "vm": "qemu"}.get(query.get("type"), query.get("type"))
        return [i for i in found if wanted in (None, i["type"])]

    def _host_resource(self, token, host):
        """Its figures only with Sys.Audit."""
        found = {"id": f"node/{host.name}", "type": "node", "node": host.name,
                 "status": "online" if host.up else "offline"}
        if self.rights.may(token, f"/nodes/{host.name}", "Sys.Audit"):
            found.update(maxmem=host.memory, mem=host.used)
        return found

    def list_storages(self, token, node, **query):
        content = query.get("content")
        return [{"storage": s.name, "type": s.kind, "content": s.content, "active": 1,
                 "enabled": 1, "shared": s.hosts is None, "avail": 10**12, "total": 2 * 10**12}
                for s in self.storages.values()
                if (s.hosts is None or node in s.hosts)
                and (not content or content in s.content.split(","))
                and query.get("storage") in (None, s.name)
                and self.rights.of(token, f"/storage/{s.name}")
                & {"Datastore.AllocateSpace", "Datastore.Audit"}]

    def list_content(self, token, node, storage, content=None, vmid=None):
        self.rights.need_any(token, f"/storage/{storage}",
                             ["Datastore.Audit", "Datastore.AllocateSpace"])
        kinds = {"import": "import", "iso": "iso", "vztmpl": "vztmpl"}
        found = []
        for name, size in self._storage(storage, node).volumes.items():
            kind = kinds.get(name.partition("/")[0], "images")
            if content in (None, kind) and vmid in (None, owner_of(name)):
                found.append({"volid": f"{storage}:{name}", "content": kind, "size": size,
                              "format": name.rpartition(".")[2] if "." in name else "raw"})
        return found

    def networks(self, token, node, **_query):
        found = []
        for bridge in sorted(self.hosts[node].bridges):
            rights = self.rights.of(token, f"/sdn/zones/localnetwork/{bridge}")
            if self.version < (8, 0) or rights & {"SDN.Use", "SDN.Audit"}:
                found.append({"iface": bridge, "type": "bridge", "active": 1})
        return found

    def vms_of(self, token, node, **_query):
        return [{"vmid": vm.vmid, "name": vm.config.get("name"),
                 "status": "running" if vm.running else "stopped"}
                for vm in self.vms.values()
                if vm.host == node and self.rights.may(token, f"/vms/{vm.vmid}", "VM.Audit")]

    def config(self, token, node, vmid, current=False, **_query):
        vm = self._vm(token, node, vmid, "VM.Audit")
        found = dict(vm.config if current else vm.with_pending())
        for number in ("cores", "sockets", "memory", "onboot", "template", "protection", "balloon"):
            if number in found and found[number].isdigit():
                found[number] = int(found[number])
        if "description" in found:
            found["description"] += "\n"
        if vm.lock:
            found["lock"] = vm.lock
        return {**found, "digest": vm.digest()}

    def pending(self, token, node, vmid):
        vm = self._vm(token, node, vmid, "VM.Audit")
        found = []
        for key in sorted(vm.config.keys() | vm.pending.keys()):
            item = {"key": key}
            if key in vm.config:
                item["value"] = vm.config[key]
            if key in vm.pending:
                if vm.pending[key] is None:
                    item["delete"] = 1
                else:
                    item["pending"] = vm.pending[key]
            found.append(item)
        return found

    def current(self, token, node, vmid):
        vm = self._vm(token, node, vmid, "VM.Audit")
        found = {"vmid": vmid, "status": "running" if vm.running else "stopped",
                 "name": vm.config.get("name"), "ha": {"managed": int(vm.ha)}}
        return {**found, "lock": vm.lock} if vm.lock else found

    # --- methods that write ---

    def _need_options(self, token, vm, changed, removed):
        """The rights for each option of a change."""
        path = f"/vms/{vm.vmid}"
        for option in [*changed, *removed]:
            base, value = base_of(option), str(changed.get(option, vm.config.get(option, "")))
            if token.name == "root@pam":
                continue
            if base in ROOT_ONLY:
                raise Refused(403, f"only root can set '{option}' config")
            if base == "hostpci" and "mapping=" not in value:
                raise Refused(500, f"only root can set '{option}' config for non-mapped devices")
            if base == "serial" and value != "socket":
                raise Refused(403, f"only root can set '{option}' config")
            if option == "rng0" and self.version < (8, 4):
                raise Refused(403, f"only root can set '{option}' config")
            if option == "efidisk0" and "ms-cert=" in value and self.version < (9, 2):
                raise wrong(efidisk0="invalid format - format error\nms-cert: property is not"
                                     " defined in schema and the schema does not allow additional"
                                     " properties")
            if option == "startup":
                self.rights.need(token, path, "VM.Config.Options")
                self.rights.need(token, "/", "Sys.Modify")
                continue
            if base in ("ide", "sata", "scsi") and ("media=cdrom" in value
                                                    or value.endswith(":cloudinit")):
                if "cloudinit" in value:
                    self.rights.need(token, path, "VM.Config.Cloudinit", "VM.Config.CDROM")
                else:
                    self.rights.need(token, path, "VM.Config.CDROM")
                continue
            if base in NEEDED and NEEDED[base] == "VM.Config.Cloudinit":
                self.rights.need_any(token, path, ["VM.Config.Cloudinit", "VM.Config.Network"])
                continue
            self.rights.need(token, path, NEEDED.get(base, "VM.Config.Options"))
            if DISKS.fullmatch(option):
                storage = value.partition(":")[0]
                if re.match(r"[^:]+:\d", value):
                    self.rights.need(token, f"/storage/{storage}", "Datastore.AllocateSpace")
                    self._need_source(token, option, properties(fields_of(option), value))
            if CARDS.fullmatch(option):
                texts = [t for t in (vm.config.get(option), changed.get(option)) if t]
                self.need_network(token, [properties(fields_of(option), t) for t in texts])

    def _need_source(self, token, option, found):
        """What is imported: a disk of a VM that may be cloned, or an image in a storage."""
        if "import-from" in found and not found["file"].endswith(":0"):
            raise wrong(**{option: "'import-from' requires special syntax - use <storage ID>:0,"
                                   "import-from=<source>"})
        home, _, image = found.get("import-from", "").partition(":")
        if owner_of(image):
            self.rights.need(token, f"/vms/{owner_of(image)}", "VM.Clone")
        elif home:
            self.rights.need_any(token, f"/storage/{home}",
                                 ["Datastore.AllocateSpace", "Datastore.Audit"])

    def _change(self, vm, changed, removed):
        vm.need_unlocked()
        for option in removed:
            if vm.config.get("protection") == "1" and DISKS.fullmatch(option):
                raise Refused(500, f"can't unlink '{option}' - protection mode enabled")
            if option.startswith("unused") and option in vm.config:
                name, _, volume = vm.config[option].partition(":")
                self.storages[name].volumes.pop(volume, None)
            else:
                self._keep_unused(vm, option, None)
            vm.unset(option)
        for option, value in changed.items():
            if DISKS.fullmatch(option):
                value = self._allocate(vm, option, value)
                self._keep_unused(vm, option, value)
            old = vm.with_pending().get(option)
            vm.set(option, stored(option, value, self.rand, old))
        if "boot" in changed:
            need_existing_devices(vm.with_pending(), changed["boot"])

    def _keep_unused(self, vm, option, value):
        """A disk that is taken away, or replaced by another, is kept and not used."""
        old = vm.config.get(option, "")
        if vm.running or not DISKS.fullmatch(option) or "media=cdrom" in old:
            return
        volume = old.partition(",")[0]
        if ":" in volume and volume != (value or "").partition(",")[0]:
            number = next(n for n in range(256) if f"unused{n}" not in vm.config)
            vm.config[f"unused{number}"] = volume

    def write_config(self, token, node, vmid, given):
        """(what is checked within the request, the rest as steps of a task)"""
        vm = self._vm(token, node, vmid, any_of=[p for p in set(NEEDED.values())]
                      + ["VM.Config.CDROM"])
        if given.get("skiplock") and token.name != "root@pam":
            raise wrong(skiplock="Only root may use this option.")
        changed = {k: v for k, v in given.items() if k not in STEERING}
        removed = re.split(r"[,; ]+", given["delete"]) if given.get("delete") else []
        if not changed and not removed and not given.get("revert"):
            raise Refused(400, "no options specified")
        for option in set(removed) & changed.keys():
            raise wrong(delete=f"you can't use '-{option}' and '-delete {option}' at the same time")
        self._need_options(token, vm, changed, removed)
        need_digest(vm, given.get("digest"))

        def work():
            need_digest(vm, given.get("digest"))
            self._change(vm, changed, removed)
            for option in re.split(r"[,; ]+", given.get("revert", "")):
                vm.pending.pop(option, None)
        return vm, work

    def put_config(self, token, node, vmid, **given):
        _, work = self.write_config(token, node, vmid, given)
        work()

    def post_config(self, token, node, vmid, background_delay=None, **given):
        """Begins the task; `server` waits for it up to background_delay."""
        _, work = self.write_config(token, node, vmid, given)
        return self.tasks.begin(node, "qmconfig", vmid, token.name, [work])

    def clone(self, token, node, vmid, newid, **given):
        self.rights.need(token, f"/vms/{vmid}", "VM.Clone")
        pool = given.get("pool")
        if not (self.rights.may(token, f"/vms/{newid}", "VM.Allocate")
                or pool and self.rights.may(token, f"/pool/{pool}", "VM.Allocate")):
            raise Refused(403, "Permission check failed")
        if pool and pool not in self.pools:
            raise Refused(500, f"pool '{pool}' does not exist")
        source = self._vm(token, node, vmid)
        target = given.get("target") or node
        full = given.get("full", not source.template)
        self._need_clonable(token, source, target, full, given)
        if newid in self.vms:
            raise Refused(500, f"unable to create VM {newid}: config file already exists")
        return self._begin_clone(token, source, newid, target, full, given)

    def _need_clonable(self, token, source, target, full, given):
        source.need_unlocked()
        if target not in self.hosts or not self.hosts[target].up:
            raise Refused(500, f"no such cluster node '{target}'" if target not in self.hosts
                          else f"node '{target}' is not online")
        for option in source.config:
            if base_of(option) in ("hostpci", "usb") and token.name != "root@pam":
                raise denied(f"/vms/{source.vmid}", "root only")
        self.need_network(token, [card for _, card in source.cards()])
        for name in ("storage", "format"):
            if given.get(name) and not full:
                raise Refused(500, f"parameter '{name}' not allowed for linked clones")
        for option, name, found in source.volumes():
            storage = self.storages[name]
            if target != source.host and storage.hosts is not None:
                raise Refused(500, f"can't clone VM to node '{target}' (VM uses local storage)")
            home = given.get("storage") or name
            self.rights.need(token, f"/storage/{home}", "Datastore.AllocateSpace")
            self._storage(home, target)
            if not full and not storage.linked and "media" not in found:
                raise Refused(500, f"Linked clone feature is not supported for '{found['file']}'"
                                   f" ({option})")

    def _begin_clone(self, token, source, newid, target, full, given):
        made, busy = Vm(newid, target), []
        began = cloned_config(source, given.get("name"), given.get("description"), self.rand)

        def take_id():
            if newid in self.taken:
                self.taken.remove(newid)
                self.add_vm(newid, target, name="rival")
            if newid in self.vms:
                made.vmid = None
                raise Refused(500, f"unable to create VM {newid}: config file already exists")
            made.lock = "clone"
            made.named_at = time.monotonic() + 10 / self.hurry
            self.vms[newid] = made

        def lock_storage():
            names = {given.get("storage") or name for _, name, _ in source.volumes()}
            for name in sorted(names):
                if self.storages[name].busy >= CLONES_AT_ONCE:
                    raise Refused(500, STORAGE_BUSY.format(name))
                self.storages[name].busy += 1
                busy.append(name)

        def first_disk():
            made.config = {k: began[k] for k in ("name", "description") if k in began}

        def all_disks():
            made.config = dict(began)
            for option, name, found in source.volumes():
                storage = self.storages[given.get("storage") or name]
                size = self.storages[name].volumes.get(found["file"].partition(":")[2], 1 << 30)
                cloudinit = "cloudinit" in found["file"] or found.get("media") == "cdrom"
                made.config[option] = self._volume(made, storage, dict(found),
                                                   4 << 20 if cloudinit else size)
            for option, text in source.config.items():
                if DISKS.fullmatch(option) and option not in made.config:
                    made.config[option] = text  # an empty drive
            made.config.pop("template", None)

        def unlock():
            made.lock = None
            free_storages()

        def free_storages():
            while busy:
                self.storages[busy.pop()].busy -= 1

        def join_pool():
            if given.get("pool"):
                self.pools[given["pool"]].add(newid)

        def undo():
            free_storages()
            if made.vmid is not None and self.vms.get(newid) is made:
                self.free(made)
                del self.vms[newid]

        del full
        steps = [take_id, lock_storage, first_disk, all_disks, unlock, join_pool]
        return self.tasks.begin(source.host, "qmclone", source.vmid, token.name, steps, undo)

    def create(self, token, node, vmid, **given):
        pool = given.pop("pool", None)
        if not (self.rights.may(token, f"/vms/{vmid}", "VM.Allocate")
                or pool and self.rights.may(token, f"/pool/{pool}", "VM.Allocate")):
            raise Refused(403, f"Permission check failed (/vms/{vmid}, VM.Allocate)")
        if pool and pool not in self.pools:
            raise Refused(500, f"pool '{pool}' does not exist")
        start = given.pop("start", False)
        options = {k: v for k, v in given.items() if k not in STEERING}
        made = Vm(vmid, node)
        if pool:
            self.pools[pool].add(vmid)  # for the rights of the options only
        try:
            self._need_options(token, made, options, [])
        finally:
            if pool:
                self.pools[pool].discard(vmid)
        if vmid in self.vms:
            raise Refused(500, f"unable to create VM {vmid} - VM {vmid} already exists on node"
                               f" '{self.vms[vmid].host}'")

        def work():
            if vmid in self.vms:
                raise Refused(500, f"unable to create VM {vmid}: config file already exists")
            self.vms[vmid] = made
            made.config["smbios1"] = "uuid=" + self._uuid()
            made.named_at = time.monotonic() + 10 / self.hurry
            self._change(made, options, [])

        def finish():
            if pool:
                self.pools[pool].add(vmid)
            made.running = start

        def undo():
            if self.vms.get(vmid) is made:
                self.free(made)
                del self.vms[vmid]
        return self.tasks.begin(node, "qmcreate", vmid, token.name, [work, finish], undo)

    def make_template(self, token, node, vmid, **_given):
        vm = self._vm(token, node, vmid, "VM.Allocate")
        if vm.running:
            raise Refused(500, "you can't convert a VM to template if VM is running")

        def work():
            vm.need_unlocked()
            self._convert(vm)
        return self.tasks.begin(node, "qmtemplate", vmid, token.name, [work])

    def resize(self, token, node, vmid, disk, size, digest=None, **_given):
        vm = self._vm(token, node, vmid, "VM.Config.Disk")
        if disk not in vm.config:
            raise Refused(500, f"disk '{disk}' does not exist")
        found = properties(fields_of(disk), vm.config[disk])
        name = found["file"].partition(":")[0]
        self.rights.need(token, f"/storage/{name}", "Datastore.AllocateSpace")
        need_digest(vm, digest)
        vm.need_unlocked()
        volume = found["file"].partition(":")[2]
        old = self.storages[name].volumes[volume]
        new = old + bytes_of(size[1:]) if size.startswith("+") else bytes_of(size)
        if new < old:
            raise Refused(500, "shrinking disks is not supported")

        def work():
            if new == old:
                return
            if self.storages[name].busy >= CLONES_AT_ONCE:
                raise Refused(500, STORAGE_BUSY.format(name))
            self.storages[name].volumes[volume] = new
            # Only the applied options are written: what is pending for the disk keeps the old size.
            found["size"] = size_of(new)
            vm.config[disk] = disk_text(found)
        if self.version < (8, 0):
            work()
            return None
        return self.tasks.begin(node, "resize", vmid, token.name, [work])

    def start(self, token, node, vmid, **_given):
        vm = self._vm(token, node, vmid, "VM.PowerMgmt")

        def work():
            vm.need_unlocked()
            if vm.running:
                raise Refused(500, f"VM {vmid} already running")
            vm.apply_pending()
            vm.running = True
            vm.started_with = dict(vm.config)
        if vm.ha:  # ends once it is requested
            later = threading.Timer(2 / self.hurry, self._start_later, (work,))
            later.daemon = True
            return self.tasks.begin(node, "hastart", vmid, token.name, [later.start])
        return self.tasks.begin(node, "qmstart", vmid, token.name, [work])

    def _start_later(self, work):
        with self.lock:
            try:
                work()
            except Refused:
                pass

    def stop(self, token, node, vmid, **_given):
        vm = self._vm(token, node, vmid, "VM.PowerMgmt")

        def work():
            vm.running = False
            vm.apply_pending()
        return self.tasks.begin(node, "hastop" if vm.ha else "qmstop", vmid, token.name, [work])

    def shutdown(self, token, node, vmid, **given):
        vm = self._vm(token, node, vmid, "VM.PowerMgmt")

        def work():
            if not vm.running:
                raise Refused(500, "VM is not running")
            if vm.config.get("agent") and not given.get("forceStop"):
                raise Refused(500, "VM quit/powerdown failed - got timeout")
            vm.running = False
            vm.apply_pending()
        return self.tasks.begin(node, "qmshutdown", vmid, token.name, [work])

    def destroy(self, token, node, vmid, purge=False, **_given):
        vm = self._vm(token, node, vmid, "VM.Allocate")
        if vm.config.get("protection") == "1":
            raise Refused(500, f"can't remove VM {vmid} - protection mode enabled")
        if vm.ha and not purge:
            raise Refused(500, f"unable to remove VM {vmid} - used in HA resources and purge"
                               " parameter not set.")
        if vm.running:
            raise Refused(500, f"VM {vmid} is running - destroy failed")

        def work():
            vm.need_unlocked()
            self.free(vm)
            del self.vms[vmid]
            self.rights.forget_vm(vmid)
        return self.tasks.begin(node, "qmdestroy", vmid, token.name, [work])

    def cloudinit(self, token, node, vmid):
        vm = self._vm(token, node, vmid, "VM.Config.Cloudinit")
        vm.need_unlocked()

    def agent_interfaces(self, token, node, vmid):
        path = f"/vms/{vmid}"
        self.rights.need_any(token, path, ["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"]
                             if self.version >= (9, 0) else ["VM.Monitor"])
        self._vm(token, node, vmid)
        raise Refused(500, "QEMU guest agent is not running")

    def _need_content(self, node, storage, content, filename):
        home = self._storage(storage, node)
        if content == "import" and (self.version < (8, 4)
                                    or not re.search(r"\.(ova|qcow2|raw|vmdk)$", filename)):
            raise wrong(filename="wrong file extension")
        if content not in home.content.split(","):
            raise Refused(500, f"storage '{storage}' is not configured for content-type"
                               f" '{content}'")
        return home

    def download(self, token, node, storage, content, filename, url, **given):
        self.rights.need(token, f"/storage/{storage}", "Datastore.AllocateTemplate")
        if self.version >= (8, 1):
            if not (self.rights.may(token, f"/nodes/{node}", "Sys.AccessNetwork")
                    or self.rights.may(token, "/", "Sys.Audit", "Sys.Modify")):
                raise denied(f"/nodes/{node}", "Sys.AccessNetwork")
        else:
            self.rights.need(token, "/", "Sys.Audit", "Sys.Modify")
        home = self._need_content(node, storage, content, filename)

        def work():
            if url not in self.images:
                raise Refused(500, f"download failed: wget --progress=dot:giga -O … {url}"
                                   " failed: exit code 8")
            size, sha256 = self.images[url]
            if given.get("checksum") and given["checksum"] != sha256:
                raise Refused(500, "checksum mismatch: got '" + sha256 + "' != expect '"
                              + given["checksum"] + "'")
            home.volumes[f"import/{filename}"] = size
        return self.tasks.begin(node, "download", filename, token.name, [work])

    def upload(self, token, node, storage, content, filename, upload, at, **given):
        """The host that took the file copies it, and that is where the task runs. A copy that is cut
        off stays as it is."""
        self.rights.need(token, f"/storage/{storage}", "Datastore.AllocateTemplate")
        volumes = self._need_content(node, storage, content, filename).volumes
        name, begun = f"import/{filename}", []

        def verify():
            if given.get("checksum", "").lower() not in ("", upload.sha256):
                raise Refused(500, f"checksum mismatch: got '{upload.sha256}' != expect"
                                   f" '{given['checksum']}'")
            if filename.endswith(".qcow2") and upload.head != b"QFI\xfb":
                raise Refused(500, "Image is not in qcow2 format")

        def copy():
            begun.append(name)
            volumes[name] = upload.size // 2

        def finish():
            volumes[name] = upload.size

        def undo():
            for what in begun:
                volumes.pop(what, None)
        return self.tasks.begin(at, "imgcopy", "", token.name, [verify, copy, finish], undo)
