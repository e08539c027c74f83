# shellcheck shell=sh
# Sections of suite.sh on what the guest's processor does: probes, memory, steps, random sequences, and
# what an exit costs.

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
	[ -s $work/results ] || not_ok probes "none is called $probe_prefix"
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
	taskset "$(last_processor)" "$here/steps" traced $loops >$work/user.traced
	load step || return
	mark 'virtualized pass'
	for exits in none all; do
		hpctl exits $exits
		kernel step 1 $rounds >$work/stepped
		cp $work/kernel.traced $work/traced
		same_trace "steps through the kernel, exits $exits" "$wanted"
		taskset "$(last_processor)" "$here/steps" stepped $loops $((wanted * 40)) >$work/stepped 2>&1
		cp $work/user.traced $work/traced
		same_trace "steps through a program, exits $exits" "$wanted"
	done
	check 'steps: all answer' present
	unload step
}

# --- Random sequences ---

# Sequences of seeds FIRST to FIRST + COUNT - 1: random_user [-v] FIRST COUNT, random_kernel the same.
random_user() {
	unprivileged taskset "$(last_processor)" "$here/random" "$@"
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
		taskset "$(last_processor)" sh -c 'echo "$1 $2 $3" >/proc/hptest' sh $verb $seed $batch || return
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
	if [ "$(wc -l <"$work/$1.bare")" -ne "$random_count" ]; then
		not_ok "$title" "bare has $(wc -l <"$work/$1.bare") results of $random_count"
		return
	fi
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

# --- Cost ---

cost() {
	bare=$("$here/cost")
	load cost || return
	virtualized=$("$here/cost")
	unload cost || return
	difference=$((virtualized - bare))
	echo "# a CPUID exit: $virtualized - $bare = $difference ticks"
	if [ $difference -gt 0 ] && [ $difference -lt "${1:-150}" ]; then
		ok "cost of a CPUID exit: $difference < ${1:-150}"
	else
		not_ok 'cost of a CPUID exit' "$difference, limit ${1:-150}"
	fi
}

# --- Entry rules ---

ENTRY_BATCH=500
# So many of 100 states are not tried, at most: those that break no rule and can't be survived.
ENTRY_SKIPPED=20

# entry_sum NAME: the sum of what the batches counted under that name.
entry_sum() {
	awk -v name="$1" '/^total:/ { for (i = 2; i < NF; i++) if ($i == name) sum += $(i + 1) }
		END { print sum + 0 }' $work/entry
}

# VM entries on the bare machine: FIRST and following states, against base/entry_rules.
entry_rules() {
	wanted=${1%,*}
	wanted=${wanted:-600}
	seed=1
	case $1 in *,*) seed=${1#*,} ;; esac
	last=$((seed + wanted))
	need_hptest
	mark 'bare pass'
	: >$work/entry
	while [ $seed -lt $last ]; do
		batch=$((last - seed < ENTRY_BATCH ? last - seed : ENTRY_BATCH))
		kernel entry-rules $seed $batch >>$work/entry || {
			not_ok 'entry rules' "$(tail -n 3 $work/entry | tr '\n' ' ')"
			return
		}
		seed=$((seed + batch))
	done
	states=$(entry_sum states)
	skipped=$(entry_sum skipped)
	awk '/^explained:/ { sub(",", "", $2); count[$2] += $3 }
		END { for (id in count) print "# Bochs differs: " id ", " count[id] " states" }' $work/entry
	grep -v -e '^explained' -e '^total' -e '^rules' -e '^not broken' $work/entry | head -n 60 | sed 's/^/# /'
	if [ "$(entry_sum different)" -ne 0 ] || [ "$states" -ne "$wanted" ]; then
		not_ok "entry rules: $states states of $wanted" "$(entry_sum different) have another verdict"
	elif [ $((skipped * 100)) -gt $((states * ENTRY_SKIPPED)) ]; then
		not_ok "entry rules: $states states" "$skipped were not tried"
	else
		ok "entry rules: $states states: the same verdict ($(entry_sum controls) controls, \
$(entry_sum host) host, $(entry_sum guest) guest, $(entry_sum msrs) MSR loading, $(entry_sum entered) entered; \
$(entry_sum explained) as Bochs is known to differ, $skipped not tried)"
	fi
}
