# SPDX-License-Identifier: Apache-2.0
"""Who may do what: users, tokens, roles and access control lists of Proxmox VE."""
import re

from pve.schema import Refused, wrong

_VM = ("Allocate Audit Backup Clone Config.CDROM Config.CPU Config.Cloudinit Config.Disk"
       " Config.HWType Config.Memory Config.Network Config.Options Console Migrate PowerMgmt"
       " Snapshot Snapshot.Rollback")
_OTHERS = ("Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit"
           " Group.Allocate Permissions.Modify Pool.Allocate Pool.Audit Realm.Allocate"
           " Realm.AllocateUser Sys.Audit Sys.Console Sys.Modify Sys.PowerMgmt Sys.Syslog"
           " User.Modify")
_SINCE_8 = ("SDN.Allocate SDN.Audit SDN.Use Mapping.Audit Mapping.Modify Mapping.Use"
            " Sys.AccessNetwork")
_SINCE_9 = "VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileWrite" \
    " VM.GuestAgent.FileSystemMgmt VM.GuestAgent.Unrestricted VM.Replicate"


def privileges(version):
    """All that there are in a version, (9, 2)."""
    known = {f"VM.{name}" for name in _VM.split()} | set(_OTHERS.split())
    if version >= (8, 0):
        known |= set(_SINCE_8.split())
    return known | (set(_SINCE_9.split()) if version >= (9, 0) else {"VM.Monitor"})


class Token:
    def __init__(self, name, secret, privsep=True):
        self.name, self.secret, self.privsep = name, secret, privsep
        self.user = name.partition("!")[0]


class Rights:
    """`pools` maps a pool to its members: VMs' ids and storages' names."""

    def __init__(self, version, pools):
        self.known = privileges(version)
        self.pools = pools
        self.roles = {"Administrator": self.known}
        self.tokens, self.entries = {}, []

    def add_role(self, name, privs):
        """`pveum role add`: refuses what this version does not know."""
        unknown = set(privs) - self.known
        if unknown:
            raise wrong(privs=f"invalid privilege '{min(unknown)}'")
        self.roles[name] = set(privs)

    def add_token(self, name, secret, privsep=True):
        self.tokens[name] = Token(name, secret, privsep)
        return self.tokens[name]

    def allow(self, path, who, role, propagate=True):
        """`pveum acl modify PATH --users WHO --roles ROLE`, or --tokens."""
        assert role in self.roles, role
        self.entries.append((path, who, role, propagate))

    def forget_vm(self, vmid):
        self.entries = [e for e in self.entries if e[0] != f"/vms/{vmid}"]
        for members in self.pools.values():
            members.discard(vmid)

    def _of_one(self, who, path):
        """An entry that is nearer to the path replaces those above it."""
        if who == "root@pam":
            return set(self.known)
        roles, steps = set(), [s for s in path.split("/") if s]
        for depth in range(len(steps) + 1):
            here = "/" + "/".join(steps[:depth])
            found = {role for at, name, role, propagate in self.entries
                     if at == here and name == who and (propagate or depth == len(steps))}
            roles = found or roles
        return set().union(*(self.roles[r] for r in roles))

    def _with_pools(self, who, path):
        privs = self._of_one(who, path)
        member = re.fullmatch(r"/(vms|storage)/([^/]+)", path)
        if member:
            name = int(member[2]) if member[1] == "vms" else member[2]
            for pool, members in self.pools.items():
                if name in members:
                    privs |= self._of_one(who, f"/pool/{pool}")
        return privs

    def of(self, token, path):
        """Of a token with separated privileges only what both it and its user have."""
        privs = self._with_pools(token.user, path)
        return privs & self._with_pools(token.name, path) if token.privsep else privs

    def may(self, token, path, *privs):
        return set(privs) <= self.of(token, path)

    def need(self, token, path, *privs):
        if not self.may(token, path, *privs):
            raise denied(path, "|".join(privs))

    def need_any(self, token, path, privs):
        if not set(privs) & self.of(token, path):
            raise denied(path, "|".join(privs))

    def listed(self, token, path=None):
        """GET /access/permissions: without a path only where an entry or a pool's member is."""
        if path is not None:
            return {path: {p: 1 for p in sorted(self.of(token, path))}}
        paths = {"/", "/access", "/nodes", "/pool", "/storage", "/vms"} | {e[0] for e in self.entries}
        for members in self.pools.values():
            paths |= {f"/vms/{m}" if isinstance(m, int) else f"/storage/{m}" for m in members}
        return {p: {q: 1 for q in sorted(self.of(token, p))} for p in paths if self.of(token, p)}


def denied(path, privs):
    return Refused(403, f"Permission check failed ({path}, {privs})")
