# SPDX-License-Identifier: Apache-2.0

variable "name" {
  description = "The node's name in the seed tree: 'cloudseed pve register' finds the VM by it."
  type        = string
}

variable "mac" {
  description = "The MAC address that the seed tree declares for the node."
  type        = string
}

variable "host" {
  description = "The Proxmox VE host that the VM is made on."
  type        = string
}

variable "template" {
  description = "The id of the template, as 'cloudseed pve template' makes one."
  type        = number
}

variable "template_host" {
  description = "The host that has the template; null: the same."
  type        = string
  default     = null
}

variable "full_clone" {
  description = "Copy the template's disk instead of linking to it."
  type        = bool
  default     = false
}

variable "pool" {
  description = "The pool that cloudseed's token has rights in."
  type        = string
}

variable "tags" {
  description = "Tags, sorted: Proxmox VE sorts them, and any other order is a diff."
  type        = list(string)
  default     = ["k8s"]
}

variable "cores" {
  type    = number
  default = 2
}

variable "cpu_type" {
  type    = string
  default = "x86-64-v2-AES"
}

variable "memory" {
  description = "In MiB."
  type        = number
  default     = 4096
}

variable "disk" {
  description = "In GiB; not less than the template's."
  type        = number
  default     = 40
}

variable "disk_interface" {
  description = "The template's system disk."
  type        = string
  default     = "scsi0"
}

variable "storage" {
  description = "The storage of the system disk: for a linked clone, the template's."
  type        = string
  default     = "local-lvm"
}

variable "bridge" {
  type    = string
  default = "vmbr0"
}

variable "vlan" {
  description = "The VLAN tag; null: untagged."
  type        = number
  default     = null
}
