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

# What is taken, in KiB, of two kinds: "PAGES OBJECTS". PAGES is what the kernel does not account for
# by itself (neither free, nor a program's, a file's, a page table's, the slab's or vmalloc's): there, each
# page that a module took and did not give back shows, and little else does. OBJECTS is what can't be
# reclaimed of the slab, and vmalloc, whose caches come and go.
#
# Free are also the pages on the processors' own lists: a megabyte and more, that comes and goes. All
# counters are the kernel's, brought up to date, and read in one go: memory moves meanwhile. What is on
# its way back (by RCU, by a worker) makes a figure too large, never too small: the least of a few is true.
MEMORY_SAMPLES=4

memory_taken() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	for sample in $(seq $MEMORY_SAMPLES); do
		sleep 0.1
		cat /proc/sys/vm/stat_refresh
		cat /proc/zoneinfo /proc/meminfo >$work/memory
		awk '
			$1 == "managed" { pages += $2 }
			$1 == "pages" && $2 == "free" { pages -= $3 }
			$1 == "count:" { pages -= $2 }
			/^ +nr_(in)?active_(anon|file) / || $1 == "nr_unevictable" ||
			$1 == "nr_page_table_pages" || /^ +nr_slab_/ { pages -= $2 }
			$1 == "VmallocUsed:" { vmalloc = $2 }
			$1 == "SUnreclaim:" { slab = $2 }
			END { print pages * 4 - vmalloc, slab + vmalloc }' $work/memory
	done >$work/samples
	sort -n $work/samples | head -n 1
}

# What may go and come without meaning anything.
PAGES_NOISE=16
OBJECTS_NOISE=400

# memory_kept BEFORE ROUNDS: since then nothing has grown by a page in every fourth round.
memory_kept() {
	taken=$(memory_taken)
	echo "$1 $taken" | awk -v rounds="$2" -v pages=$PAGES_NOISE -v objects=$OBJECTS_NOISE '{
		if (pages < rounds)
			pages = rounds
		if (objects < rounds)
			objects = rounds
		print "in " rounds " rounds, pages grew by " $3 - $1 " KiB, kernel objects by " $4 - $2 " KiB"
		exit $3 - $1 > pages || $4 - $2 > objects
	}'
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
