# shellcheck shell=sh
# Sections of suite.sh that load and unload, alone and under workloads.

# --- Cycles ---

cycle() {
	load "$1" || return 1
	if ! present >$work/check 2>&1; then
		not_ok "$1" "$(tr '\n' ' ' <$work/check)"
		return 1
	fi
	unload "$1" || return 1
	if ! absent >$work/check 2>&1; then
		not_ok "$1" "$(tr '\n' ' ' <$work/check)"
		return 1
	fi
}

# cycle_all NAME N: the first half also pays for what the kernel keeps of its own.
cycle_all() {
	half=$((($2 + 1) / 2))
	for i in $(seq "$2"); do
		cycle "$1, round $i" || return
		[ "$i" -ne $half ] || before=$(memory_taken)
	done
	ok "$1: $2 rounds"
	check "$1: memory is back" memory_kept "$before" $(($2 - half))
	sed 's/^/# /' $work/check
}

cycles() {
	mark 'virtualized pass'
	cycle_all 'cycles of load and unload' "${1:-20}"
}

workload() {
	mark 'virtualized pass'
	"$here/workload" 0 >$work/workload &
	worker=$!
	sleep 1
	for i in $(seq "${1:-20}"); do
		cycle "cycles under a workload, round $i" || break
	done
	[ "$i" -lt "${1:-20}" ] || ok "cycles under a workload: ${1:-20} rounds"
	kill -TERM $worker
	if wait $worker; then
		ok "the workload found nothing wrong"
	else
		not_ok 'the workload found nothing wrong' "$(tr '\n' ' ' <$work/workload)"
	fi
}

# --- All exits ---

# Each group of exits off and on again, on a system that works.
toggle() {
	for group in $(hpctl exits --json | sed -n 's/.*"name": *"\([a-z]*\)".*/\1/p'); do
		hpctl exits "-$group" && hpctl exits "+$group" || return
	done
}

exits() {
	mark 'virtualized pass'
	if ! hpctl load exits=all >$work/load 2>&1; then
		not_ok 'exits: load exits=all' "$(tr '\n' ' ' <$work/load)"
		return
	fi
	"$here/workload" "${1:-20}" >$work/workload &
	worker=$!
	sleep 1
	check 'exits: each group off and on under a workload' toggle
	check 'exits: all answer' present
	if wait $worker; then
		ok "exits: ${1:-20} seconds of the workload found nothing wrong"
	else
		not_ok 'exits: the workload found nothing wrong' "$(tr '\n' ' ' <$work/workload)"
	fi
	sed 's/^/# /' $work/workload
	hpctl stat | sed 's/^/# /'
	check 'exits: none' hpctl exits none
	check 'exits: all answer, with none' present
	unload exits
	check 'exits: nobody is there after the unload' absent
}
