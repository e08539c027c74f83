# shellcheck shell=sh
# What the sections of suite.sh share: how results are said and counted, load and unload, who is there,
# how much memory is free, and the comparison of the kernel's log at the end. suite.sh sources it; it sets
# $here (the folder of the guest's programs) and $work.

ok() {
	passed=$((passed + 1))
	echo "ok - $1"
}

not_ok() {
	failed=$((failed + 1))
	echo "not ok - $1: $2"
}

# check NAME COMMAND...: ok if the command succeeds; else its output says why.
check() {
	checked=$1
	shift
	if "$@" >$work/check 2>&1; then
		ok "$checked"
	else
		not_ok "$checked" "$(tail -n 5 $work/check | tr '\n' ' ')"
	fi
}

# same NAME EXPECTED GOT
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "expected $2, got $3"
	fi
}

# The marks show in the kernel's log where each pass begins.
mark() {
	echo "suite: $1" >/dev/kmsg
}

# A command to hptest.ko, and what it says.
kernel() {
	echo "$*" >/proc/hptest && cat /proc/hptest
}

processors() {
	grep -c '^processor' /proc/cpuinfo
}

each_processor() {
	seq 0 $(($(processors) - 1))
}

# As a user who may nothing. The words have no special characters.
unprivileged() {
	su nobody -s /bin/sh -c "$*"
}

need_hptest() {
	[ -e /proc/hptest ] || insmod "$here/hptest.ko"
}

# With $load_operand, if there is one.
load_operand=
load() {
	hpctl load $load_operand >$work/load 2>&1 && return
	not_ok "${1:-load}" "$(tr '\n' ' ' <$work/load)"
	return 1
}

unload() {
	hpctl unload >$work/unload 2>&1 && return
	not_ok "${1:-unload}" "$(tr '\n' ' ' <$work/unload)"
	return 1
}

# Nobody is there: no signature on any processor, no answer to a ping, no module.
absent() {
	"$here/presence" >$work/presence
	status=$?
	if [ $status -ne 1 ]; then
		echo "presence: status $status:" $(cat $work/presence)
		return 1
	fi
	hpctl ping >$work/ping 2>&1
	status=$?
	if [ $status -ne 1 ]; then
		echo "ping: status $status:" $(cat $work/ping)
		return 1
	fi
	if [ "$1" != module ] && grep -q '^hyperplatform ' /proc/modules; then
		echo "the module is still there"
		return 1
	fi
}

present() {
	if ! "$here/presence" >$work/presence; then
		echo "presence:" $(cat $work/presence)
		return 1
	fi
	hpctl ping
}

# In KiB, caches dropped.
memory_free() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemFree/ { print $2 }' /proc/meminfo
}

# A load and unload take and give megabytes within one another; a leak of any page of ours in each of
# several rounds is more than that.
MEMORY_TOLERANCE=1500

memory_back() {
	after=$(memory_free)
	if [ $(($1 - after)) -gt $MEMORY_TOLERANCE ]; then
		echo "$(($1 - after)) KiB are missing"
		return 1
	fi
}

# --- The kernel's log ---

# Warnings of virtualized passes that no bare pass has, without what varies in them.
log_compare() {
	dmesg | awk '
		BEGIN { bare = 1 } # the boot
		/suite: bare pass/ || /suite: after pass/ { bare = 1 }
		/suite: virtualized pass/ { bare = 0 }
		/WARNING:|BUG:|Oops|[Uu]nexpected|rcu.*stall|lockup|Uhhuh|Dazed|general protection|hung task/ ||
		/Kernel panic|unable to handle|bad page|invalid opcode: 0|double fault|corrupt/ {
			line = $0
			sub(/^\[[^]]*\] /, "", line)
			gsub(/[0-9a-f]*[0-9][0-9a-f]*/, "N", line)
			if (bare)
				known[line] = 1
			else if (!(line in known))
				new[++count] = $0
		}
		END { for (i = 1; i <= count; i++) print new[i] }' >$work/warnings
	if [ -s $work/warnings ]; then
		not_ok 'no warning of the kernel that bare has not' "$(head -n 5 $work/warnings | tr '\n' ' ')"
	else
		ok 'no warning of the kernel that bare has not'
	fi
}
