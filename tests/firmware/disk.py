# SPDX-License-Identifier: Apache-2.0
"""Disks that tell that they were booted: a word on the serial port, and nothing else.

The same few bytes of machine code are a boot sector for a BIOS and a program for UEFI, which leaves
the ports to whom it starts.
"""
import os
import shutil
import struct
import subprocess

import debian

WORD = "DISK-BOOTS"
SERIAL_PORT = 0x3f8
HALT = b"\xf4\xeb\xfd"  # hlt; jmp back


def _code(bits):
    wide = b"\x66" if bits == 64 else b""
    code = wide + b"\xba" + struct.pack("<H", SERIAL_PORT)  # mov dx, port
    for letter in f"\n{WORD}\n".encode():
        code += b"\xb0" + bytes([letter]) + b"\xee"  # mov al, letter; out dx, al
    return code + HALT


def boot_sector(folder):
    """A disk for a BIOS; what QEMU's -drive says of it."""
    path = os.path.join(folder, "bios.img")
    with open(path, "wb") as f:
        f.write((b"\xfa" + _code(16)).ljust(510, b"\0") + b"\x55\xaa")
        f.truncate(1 << 20)
    return f"format=raw,file={path}"


def _program():
    """A PE32+ of one section, as small as UEFI takes it."""
    code = _code(64).ljust(0x200, b"\0")
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 112 + 16 * 8, 0x22)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20b, 1, 0, len(code), 0, 0, 0x1000,
                           0x1000, 0x400000, 0x1000, 0x200, 0, 0, 0, 0, 0, 0, 0, 0x2000, 0x200, 0,
                           10, 0, 0x10000, 0x1000, 0x10000, 0x1000, 0, 16) + bytes(16 * 8)
    section = struct.pack("<8sIIIIIIHHI", b".text", len(code), 0x1000, len(code), 0x200, 0, 0, 0, 0,
                          0x60000020)
    return (dos + coff + optional + section).ljust(0x200, b"\0") + code


def _efi_folder(folder, name):
    """(a folder in that of UEFI's programs, what QEMU's -drive says of a disk that is made of all)"""
    path = os.path.join(folder, "esp")
    os.makedirs(os.path.join(path, "EFI", name))
    return os.path.join(path, "EFI", name), f"format=vvfat,dir={path},label=ESP"


def efi_system_partition(folder):
    """A disk for UEFI."""
    place, disk = _efi_folder(folder, "BOOT")
    with open(os.path.join(place, "BOOTX64.EFI"), "wb") as f:
        f.write(_program())
    return disk


def signed_system(folder, shim, grub):
    """A disk for UEFI as a Debian leaves it: shim, which loads the grub beside it."""
    place, disk = _efi_folder(folder, "debian")
    shutil.copy(shim, os.path.join(place, "shimx64.efi"))
    shutil.copy(grub, os.path.join(place, "grubx64.efi"))
    with open(os.path.join(place, "grub.cfg"), "w", encoding="utf-8") as f:
        f.write(f"echo {WORD}\nsleep 600\n")
    return disk


# --- A disk that is installed --------------------------------------------------------------------

SUITE = "bookworm"
SECTOR = 512
SEED, KERNEL, INITRD = 2048, 4096, 131072  # sectors, as `places` of site/ has them
SEED_SECTORS = 8
MODULES = ["biosdisk", "linux", "echo"]


def tools(cache):
    """grub's packages, unpacked."""
    return debian.download_all(["grub-common", "grub-pc-bin"], SUITE, cache)


def loader(folder, image, cache):
    """The first sectors of such a disk: grub, which loads kernel and initrds from where they are."""
    common, modules = tools(cache)
    modules = os.path.join(modules, "usr/lib/grub/i386-pc")
    sectors = {name: -(-os.path.getsize(os.path.join(image, name)) // SECTOR)
               for name in ("vmlinuz", "initrd.img")}
    config, core, made = (os.path.join(folder, name) for name in ("grub.cfg", "core", "loader.img"))
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"linux (hd0){KERNEL}+{sectors['vmlinuz']} console=ttyS0 panic=-1\n"
                f"initrd (hd0){INITRD}+{sectors['initrd.img']} (hd0){SEED}+{SEED_SECTORS}\nboot\n")
    subprocess.run([os.path.join(common, "usr/bin/grub-mkimage"), "-O", "i386-pc", "-p", "/", "-c",
                    config, "-d", modules, "-o", core, *MODULES], check=True)
    with open(made, "wb") as f:
        for part in (os.path.join(modules, "boot.img"), core):
            with open(part, "rb") as g:
                f.write(g.read())
        assert f.tell() <= SEED * SECTOR, "grub reaches into what follows"
    return made


def empty(folder):
    """A disk for a machine that is to be installed; what QEMU's -drive says of it."""
    path = os.path.join(folder, "empty.img")
    with open(path, "wb") as f:
        f.truncate(1 << 28)
    return f"format=raw,file={path}"
