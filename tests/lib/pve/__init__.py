# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the API of Proxmox VE: tests/lib/pve/server.py has the way in."""
