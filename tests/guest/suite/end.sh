# shellcheck shell=sh
# Sections of suite.sh in which the system ends while the hypervisor is loaded. Behind a restart the lab
# runs suite.sh again with the same sections: `restart count` tells how many of them lie behind us.

# What was found until now, before the machine goes: nobody reads it from memory afterwards.
restart_prepare() {
	mark 'virtualized pass'
	load "$1" || return
	check "$1: all answer before it" present
	log_compare
	echo "$passed passed, $failed failed, before $1"
	"$here/restart" next
	# The serial port still has to send it.
	sync
	sleep 3
}

# Only if it fails.
restart_failed() {
	sleep 30
	not_ok "$1: the system goes" 'it is still there'
}

restart_reboot() {
	restart_prepare reboot || return
	reboot -f
	restart_failed reboot
}

# The kernel that runs, and a copy of the system that it runs. Without our data, which is large.
restart_kexec() {
	(cd / && find . -xdev ! -path './proc/*' ! -path './sys/*' ! -path './dev/*' ! -path './tmp/*' \
		! -path './run/*' ! -path './boot/*' ! -name hptest.ko ! -name hpfault.ko ! -name probe \
		! -name random ! -name steps | cpio -o -H newc 2>/dev/null) >/boot/initrd
	arguments=$(sed 's/BOOT_IMAGE=[^ ]* *//; s/initrd=[^ ]* *//' /proc/cmdline)
	restart_prepare kexec || return
	"$here/restart" kexec /boot/vmlinuz /boot/initrd "$arguments"
	restart_failed kexec
}

# restart_after NAME: the system is back, bare, and can be virtualized again.
restart_after() {
	mark 'virtualized pass'
	check "$1: nobody is there in the system that follows" absent
	cycle "$1: a load behind it" && ok "$1: a load behind it"
}

# Returns only if it fails. The lab sees that the machine is off.
power_off() {
	mark 'virtualized pass'
	load power-off || return
	check 'power-off: all answer before it' present
	log_compare
	echo "$passed passed, $failed failed, before power-off"
	sync
	sleep 3
	[ $failed -ne 0 ] || poweroff -f
	restart_failed power-off
}
