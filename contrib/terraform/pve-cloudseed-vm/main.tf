# SPDX-License-Identifier: Apache-2.0
#
# A VM that 'cloudseed pve register' can take over. Terraform owns its shape; cloudseed owns its SMBIOS
# serial, which holds a join key: that must be in no state file, and another one with each build window
# would be a diff each time. Never planned against a live provider: docs/terraform.md says what was checked.

terraform {
  required_providers {
    proxmox = {
      source = "bpg/proxmox"
    }
  }
}

resource "proxmox_virtual_environment_vm" "node" {
  name      = var.name
  node_name = var.host
  pool_id   = var.pool
  tags      = var.tags
  on_boot   = true

  # 'cloudseed pve start' starts it, once the serial is set: a VM that boots before has no seed.
  started = false

  clone {
    vm_id     = var.template
    node_name = var.template_host
    full      = var.full_clone
  }

  cpu {
    cores = var.cores
    type  = var.cpu_type
  }

  memory {
    dedicated = var.memory
  }

  disk {
    datastore_id = var.storage
    interface    = var.disk_interface
    size         = var.disk
  }

  network_device {
    bridge      = var.bridge
    vlan_id     = var.vlan
    mac_address = var.mac
  }

  operating_system {
    type = "l26"
  }

  serial_device {}

  lifecycle {
    ignore_changes = [smbios, started, description]
  }
}
