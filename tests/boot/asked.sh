#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stands in, under several names, for commands that need what a namespace has not: an init system, a
# package mirror, the kernel of its own. It writes down what was asked for, and says yes.
name=${0##*/}
printf '%s\n' "$name${*:+ $*}" >>/var/log/asked.log
case "$name $1" in
"systemctl show")
	printf '%s\n' ActiveState=active SubState=exited UnitFileState=enabled MainPID=0
	;;
"systemd-detect-virt "*)
	# cloud-init believes no DMI in a container, and this namespace looks like one.
	case "$*" in *--container*) exit 1 ;; esac
	echo kvm
	;;
"apt-cache pkgnames")
	# The mirror has every package that user-data asks for.
	cat /opt/asked/packages
	;;
esac
exit 0
