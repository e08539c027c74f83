# shellcheck shell=sh
# Sections of suite.sh on what happens to the system while the hypervisor is loaded.

offline() {
	last=$(($(processors) - 1))
	mark 'virtualized pass'
	if [ $last -eq 0 ]; then
		ok 'offline: there is one processor only'
		return
	fi
	load offline || return
	for i in $(seq "${1:-3}"); do
		echo 0 >/sys/devices/system/cpu/cpu$last/online
		check "offline: the others answer, round $i" present
		echo 1 >/sys/devices/system/cpu/cpu$last/online
		check "offline: all answer again, round $i" present
	done
	unload offline
	check 'offline: nobody is there after the unload' absent
}
