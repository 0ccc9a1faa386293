# SPDX-License-Identifier: Apache-2.0
"""The homelab's Proxmox VE: two hosts, a template, and a token that may use a pool."""
from pve.cluster import Pve

TOKEN = "cloudseed@pve!t=s3cret"
ROLE = ("VM.Audit VM.Allocate VM.Clone VM.PowerMgmt VM.Config.CPU VM.Config.Memory VM.Config.Disk"
        " VM.Config.Network VM.Config.HWType VM.Config.Options VM.Config.Cloudinit"
        " Datastore.AllocateSpace Pool.Audit").split()
BRIDGE = "/sdn/zones/localnetwork/vmbr0"


def world(version=(9, 2), role=None, pool=True):
    """Two hosts, a template, a pool with it and its storage, and a token that may use them."""
    pve = Pve(version)
    pve.add_host("pve1")
    pve.add_host("pve2")
    pve.add_storage("local-lvm", hosts=["pve1", "pve2"])
    pve.add_storage("ceph", "rbd")
    pve.add_storage("local", "dir", ["pve1", "pve2"], content="iso,vztmpl,import")
    pve.add_vm(9000, "pve1", template=True, name="noble", scsi0="local-lvm:4",
               net0="virtio,bridge=vmbr0", boot="order=scsi0;net0", tags="image",
               description="Ubuntu 24.04", cores="2", memory="2048", agent="1")
    pve.add_pool("k8s", 9000, "local-lvm")
    privs = list(role or ROLE)
    if version >= (8, 0):
        pve.rights.add_role("Net", ["SDN.Use"])
        for who in ("cloudseed@pve", "cloudseed@pve!t"):
            pve.rights.allow(BRIDGE, who, "Net")
    pve.rights.add_role("Cloudseed", privs)
    pve.rights.add_token("cloudseed@pve!t", "s3cret")
    for who in ("cloudseed@pve", "cloudseed@pve!t"):
        pve.rights.allow("/pool/k8s" if pool else "/", who, "Cloudseed")
    return pve
