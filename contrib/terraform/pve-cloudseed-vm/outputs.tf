# SPDX-License-Identifier: Apache-2.0

output "vm_id" {
  value = proxmox_virtual_environment_vm.node.vm_id
}
