#!/bin/sh
# The in-guest tests: suite.sh SECTION... runs them in a guest in which HyperPlatform lies ready but is
# not loaded (lab/run --no-hypervisor), and says for each "ok - NAME" or "not ok - NAME: why"; last,
# "N passed, N failed". Exit status: 0 if none failed.
#
# Sections, run in the order given:
#	probes[=PREFIX]		every rule of the architecture, bare, virtualized, virtualized with all
#				exits on, bare again: the same results, but for what `differences` lists
#	memory[=REGIONS]	device regions touched on every processor at once, every page of RAM
#	cycles[=N]		N loads and unloads, a ping in each, nothing left behind
#	exits[=SECONDS]		a workload with all exits on, from the load to the unload, while single
#				groups of exits are turned off and on
#	workload[=N]		cycles under a workload on every processor that checks itself
#	step[=N]		N instructions of the kernel and of a program stepped: the addresses are those
#				that RFLAGS.TF gives bare
#	random[=N[,FIRST]]	N random instruction sequences in user mode and N in kernel mode, of the
#				seeds FIRST and following: bare, virtualized, with all exits on the same
#				results
#	nmi[=N]			N NMIs to each processor, each waited for, bare and virtualized
#	nmi-cycles[=N]		N NMIs to each processor, each waited for, while loads and unloads go on,
#				every other one with all exits
#	offline[=N]		a processor goes off- and online N times while the hypervisor is loaded
#	refusals		each way to refuse a load: the text, nothing left, a later load works
#	refused=PATTERN		on a processor that can't: a load is refused with that text
#	cost[=LIMIT]		the cost of a CPUID exit, in ticks
# The kernel's log is compared at the end: no warning that the bare passes have not.

here=$(cd "$(dirname "$0")" && pwd)
work=/tmp/suite
mkdir -p $work
passed=0
failed=0

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

# --- Probes ---

# One pass of all probes on every processor, into $work/PASS.CPU.
probe_pass() {
	mark "$1 pass"
	for cpu in $(each_processor); do
		{
			unprivileged "$here/probe" -c "$cpu" ${probe_prefix:+"$probe_prefix"}
			kernel run "$cpu" "$probe_prefix"
		} >"$work/$1.$cpu" 2>&1
	done
}

# compare PASS CPU EXPECTED GOT: one test for each rule, which is the first two parts of a line.
compare() {
	awk -v pass="$1" -v cpu="$2" '
		{
			match($0, /^[^:]*: [^:]*/)
			name = substr($0, 1, RLENGTH)
			rest = substr($0, RLENGTH + 3)
		}
		!(name in known) { known[name] = 1; order[++names] = name }
		FNR == NR { expected[name, ++expects[name]] = rest; next }
		{ got[name, ++gots[name]] = rest }
		END {
			for (i = 1; i <= names; i++) {
				name = order[i]
				why = ""
				for (j = 1; j <= expects[name] || j <= gots[name]; j++) {
					if (expected[name, j] != got[name, j]) {
						why = "expected \"" expected[name, j] "\", got \"" \
							got[name, j] "\""
						break
					}
				}
				title = name ", processor " cpu ", " pass
				print why == "" ? "ok - " title : "not ok - " title ": " why
			}
		}' "$3" "$4"
}

# The results of awk, counted.
count() {
	cat $work/results
	passed=$((passed + $(grep -c '^ok' $work/results)))
	failed=$((failed + $(grep -c '^not ok' $work/results)))
}

probes() {
	probe_prefix=$1
	need_hptest
	probe_pass bare
	load probes || return
	probe_pass virtualized
	check 'probes: all exits on' hpctl exits all
	probe_pass all
	unload probes || return
	probe_pass after
	: >$work/results
	for cpu in $(each_processor); do
		sed -f "$here/differences" $work/bare.$cpu >$work/expected.$cpu
		compare virtualized "$cpu" $work/expected.$cpu $work/virtualized.$cpu >>$work/results
		compare 'all exits' "$cpu" $work/expected.$cpu $work/all.$cpu >>$work/results
		compare 'after unload' "$cpu" $work/bare.$cpu $work/after.$cpu >>$work/results
	done
	count
}

# --- Memory ---

memory() {
	regions=${1:-300}
	need_hptest
	mark 'bare pass'
	{
		kernel devices "$regions"
		kernel walk
	} >$work/memory.bare
	load memory || return
	mark 'virtualized pass'
	{
		kernel devices "$regions"
		kernel walk
	} >$work/memory.virtualized
	check 'memory: alive behind it' present
	unload memory || return
	compare virtualized all $work/memory.bare $work/memory.virtualized >$work/results
	count
}

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

# cycle_all NAME N
cycle_all() {
	before=$(memory_free)
	for i in $(seq "$2"); do
		cycle "$1, round $i" || return
	done
	ok "$1: $2 rounds"
	check "$1: memory is back" memory_back "$before"
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

# --- Steps ---

# Of the code that is stepped, one round is about so many instructions.
STEPS_KERNEL=1300
STEPS_USER=45

# same_trace NAME: $work/traced and $work/stepped, and that there are as many as wanted.
same_trace() {
	count=$(wc -l <$work/traced)
	if [ "$count" -lt "$2" ]; then
		not_ok "$1" "only $count instructions: $(head -n 3 $work/traced | tr '\n' ' ')"
	elif cmp $work/traced $work/stepped >$work/check 2>&1; then
		ok "$1: $count instructions"
	else
		line=$(sed -n 's/.*line \([0-9]*\).*/\1/p' $work/check)
		not_ok "$1" "of $count, $(wc -l <$work/stepped) stepped; from line ${line:=$count} on: \
$(sed -n "$((line > 3 ? line - 3 : 1)),$((line + 3))p" $work/traced | tr '\n' ' ')/ \
$(sed -n "$((line > 3 ? line - 3 : 1)),$((line + 3))p" $work/stepped | tr '\n' ' ')"
	fi
}

step() {
	wanted=${1:-3000}
	rounds=$((wanted / STEPS_KERNEL + 1))
	loops=$((wanted / STEPS_USER + 1))
	need_hptest
	mark 'bare pass'
	kernel step-trace 1 $rounds >$work/kernel.traced
	taskset 2 "$here/steps" traced $loops >$work/user.traced
	load step || return
	mark 'virtualized pass'
	for exits in none all; do
		hpctl exits $exits
		kernel step 1 $rounds >$work/stepped
		cp $work/kernel.traced $work/traced
		same_trace "steps through the kernel, exits $exits" "$wanted"
		taskset 2 "$here/steps" stepped $loops $((wanted * 40)) >$work/stepped 2>&1
		cp $work/user.traced $work/traced
		same_trace "steps through a program, exits $exits" "$wanted"
	done
	check 'steps: all answer' present
	unload step
}

# --- Random sequences ---

# Sequences of seeds FIRST to FIRST + COUNT - 1: random_user [-v] FIRST COUNT, random_kernel the same.
random_user() {
	unprivileged taskset 2 "$here/random" "$@"
}

RANDOM_BATCH=10000
RANDOM_AGAIN=200

random_kernel() {
	verb=random
	[ "$1" != -v ] || {
		verb=random-tell
		shift
	}
	seed=$1
	last=$(($1 + $2))
	while [ $seed -lt $last ]; do
		batch=$((last - seed < RANDOM_BATCH ? last - seed : RANDOM_BATCH))
		taskset 2 sh -c 'echo "$1 $2 $3" >/proc/hptest' sh $verb $seed $batch || return
		cat /proc/hptest
		seed=$((seed + batch))
	done
}

# random_same MODE WORLD: line by line the results that bare has; else the story of the first that differ.
# A sequence that was disturbed (a time-out, mostly) gives bare's result when it is run again.
random_same() {
	title="random sequences in $1 mode, $2"
	paste -d '|' "$work/$1.bare" "$work/$1.$2" | awk -F '|' '$1 != $2' >$work/disturbed
	sed 's/[ |].*//' $work/disturbed >$work/seeds
	: >$work/different
	for seed in $(head -n $RANDOM_AGAIN $work/seeds); do
		expected=$(grep "^$seed " "$work/$1.bare")
		for try in 1 2 3; do
			[ "$("random_$1" "$seed" 1)" != "$expected" ] || continue 2
		done
		echo "$seed" >>$work/different
	done
	disturbed=$(wc -l <$work/seeds)
	if [ $disturbed -le $RANDOM_AGAIN ] && [ ! -s $work/different ]; then
		ok "$title: $(wc -l <"$work/$1.bare") the same, $disturbed of them when run again"
		head -n 3 $work/disturbed | sed 's/^/# disturbed: /'
		return
	fi
	not_ok "$title" "$disturbed differ, $(wc -l <$work/different) of $RANDOM_AGAIN also when run again: \
$(head -n 8 $work/different | tr '\n' ' ')"
	for seed in $(head -n 4 $work/different); do
		"random_$1" -v "$seed" 1 >"$work/told.$1.$seed.$2"
	done
}

random_pass() {
	for mode in user kernel; do
		"random_$mode" "$random_first" "$random_count" >"$work/$mode.$1"
		[ "$1" = bare ] || random_same $mode "$1"
	done
}

random() {
	random_count=${1%,*}
	random_count=${random_count:-2000}
	random_first=1
	case $1 in *,*) random_first=${1#*,} ;; esac
	rm -f $work/told.*
	need_hptest
	mark 'bare pass'
	random_pass bare
	load random || return
	mark 'virtualized pass'
	random_pass virtualized
	hpctl exits all
	random_pass all
	unload random
	# What explains a difference: bare's story of it and the other's.
	for told in $work/told.*; do
		[ -e "$told" ] || break
		rest=${told#$work/told.}
		mode=${rest%%.*}
		rest=${rest#*.}
		echo "# bare:"
		"random_$mode" -v "${rest%%.*}" 1 | sed 's/^/# /'
		echo "# ${rest#*.}:"
		sed 's/^/# /' "$told"
	done
}

# --- NMI ---

# nmi_same NAME FILE: every line counts what was sent, none in vain.
nmi_same() {
	awk '{ if ($4 != $6 || $8 != 0 || $4 == 0) bad = bad $0 " " }
		END { if (!NR) bad = "no result"; if (bad != "") { print bad; exit 1 } }' "$2" >$work/why
	if [ -s $work/why ]; then
		not_ok "$1" "$(cat $work/why)"
	else
		ok "$1: $(awk '{ n += $6 } END { print n }' "$2")"
	fi
}

nmi_pass() {
	for cpu in $(each_processor); do
		kernel nmi "$cpu" "$1"
	done
}

nmi() {
	need_hptest
	mark 'bare pass'
	nmi_pass "${1:-200}" >$work/nmi
	nmi_same 'NMIs counted, bare' $work/nmi
	load nmi || return
	mark 'virtualized pass'
	nmi_pass "${1:-200}" >$work/nmi
	nmi_same 'NMIs counted, virtualized' $work/nmi
	unload nmi
}

# The least that was sent to any processor.
nmi_least() {
	kernel nmi-count | awk 'NR == 1 || $4 < least { least = $4 } END { print least + 0 }'
}

NMI_ROUNDS=4

nmi_cycles() {
	wanted=${1:-500}
	need_hptest
	mark 'virtualized pass'
	echo nmi-start >/proc/hptest
	round=0
	while [ $round -lt $NMI_ROUNDS ] || [ "$(nmi_least)" -lt "$wanted" ]; do
		round=$((round + 1))
		load_operand=
		[ $((round % 2)) -eq 1 ] || load_operand=exits=all
		cycle "cycles under NMIs, round $round" || break
	done
	load_operand=
	kernel nmi-stop >$work/nmi
	sed 's/^/# /' $work/nmi
	nmi_same "NMIs counted over $round loads and unloads" $work/nmi
}

# --- Processors off- and online ---

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

# --- Refusals ---

REFUSED_ROUNDS=6

# refused NAME STATUS PATTERN: loads are refused like that, and nothing stays.
refused() {
	for i in $(seq $REFUSED_ROUNDS); do
		hpctl load >$work/refused 2>&1
		status=$?
		if [ $status -ne "$2" ] || ! grep -q -e "$3" $work/refused; then
			not_ok "$1" "status $status: $(tr '\n' ' ' <$work/refused)"
			[ $status -ne 0 ] || hpctl unload
			return
		fi
		if ! absent module >$work/check; then
			not_ok "$1: nobody is there" "$(cat $work/check)"
			return
		fi
		# The first round also pays for what the kernel keeps.
		[ "$i" -gt 1 ] || before=$(memory_free)
	done
	ok "$1"
	sed 's/^/# /' $work/refused
	check "$1: memory is back" memory_back "$before"
}

# Afterwards the module can go, and a load works.
works_again() {
	if grep -q '^hyperplatform ' /proc/modules; then
		check "$1: the module can be removed" rmmod hyperplatform
	fi
	if load "$1: a load afterwards"; then
		check "$1: a load afterwards" present
		unload "$1: the unload afterwards"
	fi
}

# injected NAME STATUS PATTERN PARAMETERS...
injected() {
	injection=$1 status=$2 pattern=$3
	shift 3
	modprobe hyperplatform
	if insmod "$here/hpfault.ko" "$@" 2>$work/insmod; then
		refused "$injection" "$status" "$pattern"
		rmmod hpfault
	else
		not_ok "$injection" "$(cat $work/insmod)"
	fi
	kernel vmxe "$last" 0
	works_again "$injection"
}

out_of_memory() {
	modprobe hyperplatform
	# Every allocation that a load makes fails once, until one load is not refused.
	before=$(memory_free)
	number=0
	while [ $number -lt 200 ]; do
		number=$((number + 1))
		insmod "$here/hpfault.ko" fault=allocation number=$number
		hpctl load >$work/refused 2>&1
		status=$?
		rmmod hpfault
		[ $status -ne 0 ] || break
		if [ $status -ne 3 ] || ! grep -q 'no memory' $work/refused; then
			not_ok "refusal: allocation $number fails" \
				"status $status: $(tr '\n' ' ' <$work/refused)"
			return
		fi
		if ! absent module >$work/check; then
			not_ok "refusal: allocation $number fails: nobody is there" "$(cat $work/check)"
			return
		fi
	done
	if [ $status -eq 0 ] && [ $number -gt 1 ]; then
		ok "refusal: out of memory, at each of $((number - 1)) allocations"
		hpctl unload >/dev/null
	else
		not_ok 'refusal: out of memory' "status $status after $number allocations"
	fi
	check 'refusal: out of memory: memory is back' memory_back "$before"
	works_again 'refusal: out of memory'
}

kvm_loaded() {
	modprobe kvm-intel 2>$work/modprobe || {
		not_ok 'refusal: kvm_intel is loaded' "$(cat $work/modprobe)"
		return
	}
	refused 'refusal: kvm_intel is loaded' 3 'kvm_intel'
	check 'load --unload-kvm' hpctl load --unload-kvm
	check 'load --unload-kvm: all answer' present
	check 'kvm_intel loaded after us refuses by itself' sh -c '! modprobe kvm-intel'
	check 'kvm_intel loaded after us: all answer' present
	unload 'refusal: kvm_intel'
	rmmod kvm_intel 2>/dev/null
}

already() {
	load 'refusal: already loaded' || return
	hpctl load >$work/refused 2>&1
	same 'refusal: already loaded: exit status' 3 $?
	check 'refusal: already loaded: text' grep -q 'running already' $work/refused
	sed 's/^/# /' $work/refused
	check 'refusal: already loaded: all answer still' present
	unload 'refusal: already loaded'
	hpctl unload >$work/refused 2>&1
	status=$?
	check 'unload of nothing' test $status -ne 0
	sed 's/^/# /' $work/refused
}

not_permitted() {
	load 'refusal: not root' || return
	if su nobody -s /bin/sh -c "hpctl status" >$work/refused 2>&1; then
		not_ok 'refusal: not root' 'nobody may ask'
	else
		ok 'refusal: not root'
	fi
	sed 's/^/# /' $work/refused
	unload 'refusal: not root'
}

refusals() {
	mark 'virtualized pass'
	need_hptest
	last=$(($(processors) - 1))
	already
	not_permitted
	kvm_loaded
	injected 'refusal: VMX locked off' 3 'locked VT-x off' fault=locked
	out_of_memory
	kernel vmxe $last 1
	refused "refusal: another uses VT-x on processor $last" 3 'another hypervisor uses VT-x'
	check "refusal: the text names processor $last" grep -q "processor $last" $work/refused
	# The same seen by root alone, when the processors before it have entered.
	injected "refusal: processor $last fails in the middle, by its state" 3 "processor $last" \
		fault=check number=$last
	injected "refusal: processor $last fails in the middle, by VMXON" 3 "VMXON failed" \
		fault=vmxon number=$last
	injected "refusal: processor $last fails in the middle, by its VMCS" 3 "VMCS" \
		fault=vmcs number=$last
	injected 'refusal: root of another version' 3 'root image' fault=version
	injected 'refusal: VM entry fails' 3 'VM entry failed' fault=ept
}

# On a processor that can't. The module is not there before, and must not be there behind.
refused_here() {
	mark 'virtualized pass'
	refused "refusal: $1" 3 "$1"
	check "refusal: $1: the module is gone" sh -c '! grep "^hyperplatform " /proc/modules'
	hpctl check >$work/refused 2>&1
	same "check: exit status" 1 $?
	sed 's/^/# /' $work/refused
}

# --- Cost ---

cost() {
	bare=$("$here/cost")
	load cost || return
	virtualized=$("$here/cost")
	unload cost || return
	difference=$((virtualized - bare))
	echo "# a CPUID exit: $virtualized - $bare = $difference ticks"
	if [ $difference -gt 0 ] && [ $difference -lt "${1:-250}" ]; then
		ok "cost of a CPUID exit: $difference < ${1:-250}"
	else
		not_ok 'cost of a CPUID exit' "$difference, limit ${1:-250}"
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

mark 'bare pass'
for section; do
	argument=
	case $section in
	*=*) argument=${section#*=} ;;
	esac
	case ${section%%=*} in
	probes | memory | cycles | exits | workload | step | random | nmi | offline | refusals | cost) ${section%%=*} "$argument" ;;
	nmi-cycles) nmi_cycles "$argument" ;;
	refused) refused_here "$argument" ;;
	*)
		echo "suite.sh: there is no section $section" >&2
		exit 2
		;;
	esac
done
if grep -q '^hptest ' /proc/modules; then
	check 'hptest.ko can be removed' rmmod hptest
fi
log_compare
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
