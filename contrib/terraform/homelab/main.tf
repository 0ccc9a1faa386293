# SPDX-License-Identifier: Apache-2.0
#
# The VMs of the seed tree in seed/: the same names and MAC addresses. The token comes from the
# environment variable PROXMOX_VE_API_TOKEN. Never planned against a live provider.

terraform {
  required_providers {
    proxmox = {
      source = "bpg/proxmox"
    }
  }
}

provider "proxmox" {
  endpoint = "https://pve1.home.arpa:8006/"
}

locals {
  nodes = {
    k8s-master-1 = { mac = "bc:24:11:00:20:0b", cores = 2, memory = 4096 }
    k8s-worker-2 = { mac = "bc:24:11:00:20:0c", cores = 4, memory = 8192 }
    k8s-worker-3 = { mac = "bc:24:11:00:20:0d", cores = 4, memory = 8192 }
  }
}

module "node" {
  source   = "../pve-cloudseed-vm"
  for_each = local.nodes

  name     = each.key
  mac      = each.value.mac
  host     = "pve1"
  template = 9000
  pool     = "k8s"
  cores    = each.value.cores
  memory   = each.value.memory
  vlan     = 20
}

output "vm_ids" {
  description = "For 'cloudseed pve register NODE --vmid N'."
  value       = { for name, node in module.node : name => node.vm_id }
}
