# shellcheck shell=sh
# Sections of suite.sh on what happens to the system while the hypervisor is loaded: processors go and
# come, it sleeps, programs hold the device, and several load and unload at once.

# A workload on every processor, which checks itself. Its end is a test.
workload_start() {
	"$here/workload" 0 >$work/workload &
	worker=$!
	sleep 0.5
}

workload_end() {
	if ! kill -TERM $worker 2>$work/try; then
		not_ok "$1: the workload went on until its end" "$(tr '\n' ' ' <$work/workload)"
		return 1
	fi
	if ! wait $worker; then
		not_ok "$1: the workload found nothing wrong" "$(tr '\n' ' ' <$work/workload)"
		return 1
	fi
}

seconds() {
	cut -d . -f 1 /proc/uptime
}

# rounds NAME N UNIT FUNCTION: FUNCTION, which says by itself what is wrong, under the workload, N times
# or for N seconds of the guest's time. From the middle to the end nothing may stay of what the rounds
# took.
rounds() {
	i=0 before='' began=$(seconds)
	workload_start
	while :; do
		i=$((i + 1))
		if ! $4 "$1, round $i"; then
			workload_end "$1"
			return 1
		fi
		at=$i
		[ "$3" = times ] || at=$(($(seconds) - began))
		if [ -z "$before" ] && [ $((2 * at)) -ge "$2" ]; then
			workload_end "$1" || return
			before=$(memory_taken) half=$i
			workload_start
		fi
		[ $at -lt "$2" ] || break
	done
	workload_end "$1" || return
	ok "$1: $i rounds under a workload, $(($(seconds) - began)) seconds"
	check "$1: memory is back" memory_kept "$before" $((i - half))
	sed 's/^/# /' $work/check
}

# try NAME COMMAND...: like check, but nothing is said if all is well.
try() {
	tried=$1
	shift
	"$@" >$work/try 2>&1 && return
	not_ok "$tried" "$* failed: $(tail -n 5 $work/try | tr '\n' ' ')"
	return 1
}

# --- Processors off- and online ---

online() {
	echo "$1" >"/sys/devices/system/cpu/cpu$last/online"
}

offline_round() {
	try "$1: offline" online 0 && try "$1: the others answer" present &&
		try "$1: online" online 1 && try "$1: all answer again" present
}

offline() {
	last=$(($(processors) - 1))
	mark 'virtualized pass'
	if [ $last -eq 0 ]; then
		ok 'offline: there is one processor only'
		return
	fi
	load offline || return
	rounds offline "${1:-4}" times offline_round
	unload offline
	check 'offline: nobody is there after the unload' absent
}

# --- Suspend and resume ---

# The kernel goes as far as pm_test says: at "core" only the firmware is left out.
suspend_round() {
	try "$1" sh -c 'echo mem >/sys/power/state' && try "$1: all answer again" present
}

suspend() {
	mark 'virtualized pass'
	if ! [ -e /sys/power/pm_test ]; then
		not_ok suspend 'this kernel has no pm_test: take the generic one'
		return
	fi
	echo core >/sys/power/pm_test
	echo 0 >/sys/module/suspend/parameters/pm_test_delay
	slept=$(cat /sys/power/suspend_stats/success)
	load suspend || return
	rounds suspend "${1:-2}" times suspend_round
	same 'suspend: so often the system slept' "${1:-2}" \
		$(($(cat /sys/power/suspend_stats/success) - slept))
	# The log keeps the last 32 KiB.
	check 'suspend: the processors left before, and entered again' \
		sh -c 'hpctl log | grep -q "runs natively again" && hpctl log | grep -q "runs as a guest now"'
	unload suspend
	check 'suspend: nobody is there after the unload' absent
}

# --- Programs that hold the device ---

# refuses NAME PATTERN COMMAND...: it fails, and says so.
refuses() {
	refusing=$1 pattern=$2
	shift 2
	if "$@" >$work/refused 2>&1; then
		not_ok "$refusing" "$* succeeded: $(tr '\n' ' ' <$work/refused)"
	elif grep -q -e "$pattern" $work/refused; then
		ok "$refusing"
	else
		not_ok "$refusing" "$(tr '\n' ' ' <$work/refused)"
	fi
	sed 's/^/# /' $work/refused
}

held() {
	mark 'virtualized pass'
	load held || return
	sleep 100000 </dev/hyperplatform &
	holder=$!
	refuses 'held: the module stays while it runs' . rmmod hyperplatform
	check 'held: all answer' present
	refuses 'held: unload says what remains' 'module is still loaded' hpctl unload
	check 'held: but it has stopped' absent module
	check 'held: the device answers' sh -c 'hpctl version | grep -q 0'
	refuses 'held: a second unload says the same' 'is in use\|still loaded' hpctl unload
	check 'held: it can be loaded again' hpctl load
	check 'held: all answer again' present
	refuses 'held: and unloaded' 'module is still loaded' hpctl unload
	kill -KILL $holder
	wait $holder 2>/dev/null
	check 'held: once it is let go, unload removes the module' hpctl unload
	check 'held: nobody is there' absent

	# A reader of the log, waiting for lines, ends with the run, or lets go when it is killed.
	load held || return
	hpctl log --follow >$work/followed 2>&1 &
	holder=$!
	sleep 1
	check 'held: unload with a reader of the log' hpctl unload
	sed 's/^/# /' $work/check
	kill -TERM $holder 2>/dev/null
	wait $holder
	hpctl unload >/dev/null 2>&1
	check 'held: nobody is there behind the reader' absent
	cycle 'held: a load behind it' && ok 'held: a load behind it'
}

# --- Two terminals ---

# What a load and an unload may say when another may have just done the same, or the opposite.
TERMINALS_LOAD='^load (0 HyperPlatform is running|3 .*(running already|load or unload is under way))'
TERMINALS_UNLOAD='^unload (0 HyperPlatform (is unloaded|was not running)|[13] .*(is not running|load or unload is under way|module is still loaded|in use))'

# One terminal: what each command ended with and said, in a line.
terminal() {
	for i in $(seq "$1"); do
		said=$(hpctl load $load_operand 2>&1)
		echo "load $?" $said
		said=$(hpctl unload 2>&1)
		echo "unload $?" $said
	done
}

terminals() {
	mark 'virtualized pass'
	terminal "${1:-10}" >$work/terminal.1 &
	first=$!
	terminal "${1:-10}" >$work/terminal.2
	wait $first
	cat $work/terminal.1 $work/terminal.2 >$work/terminals
	cut -c 1-60 $work/terminals | sort | uniq -c | sort -rn | head -n 12 | sed 's/^/# /'
	same 'terminals: each load and unload ended' $((4 * ${1:-10})) "$(wc -l <$work/terminals)"
	grep -vE -e "$TERMINALS_LOAD" -e "$TERMINALS_UNLOAD" $work/terminals >$work/odd
	if [ -s $work/odd ]; then
		not_ok 'terminals: each succeeded or was refused' "$(sort $work/odd | uniq -c | head -n 5 | tr '\n' ' ')"
	else
		ok 'terminals: each succeeded or was refused'
	fi
	# One of them may have had the device open when the other wanted the module to go.
	hpctl unload >/dev/null 2>&1
	check 'terminals: nobody is there behind them' absent
	cycle 'terminals: a load behind them' && ok 'terminals: a load behind them'
}

# --- For a long time ---

SOAK_PAUSE=1

# All exits on for a while, every other time with single groups turned off and on meanwhile.
soak_round() {
	try "$1: load" hpctl load exits=all && sleep $SOAK_PAUSE && try "$1: all answer" present || return
	if [ $((i % 2)) -eq 0 ]; then
		try "$1: groups off and on" toggle || return
	fi
	try "$1: unload" hpctl unload && try "$1: nobody is there" absent
}

soak() {
	mark 'virtualized pass'
	rounds soak "${1:-60}" seconds soak_round
}
