# shellcheck shell=sh
# Sections of suite.sh in which the guest does what it should not: to the hypervisor's memory, and to its
# device.

# --- The hypervisor's memory ---

# Every verb that asks ends, with a status of its own: no signal, no hang.
verbs_end() {
	for verb in check status ping stat exits log version; do
		hpctl $verb >$work/verb 2>&1
		status=$?
		if [ $status -gt 3 ]; then
			echo "hpctl $verb: status $status: $(tail -n 3 $work/verb)"
			return 1
		fi
	done
}

# So many pages are hidden at least.
ATTACK_LEAST=20

attack_read() {
	kernel attack read >$work/attacked
	sed 's/^/# /' $work/attacked
	check 'attack: hidden pages are blank, all of them' \
		awk -v least=$ATTACK_LEAST '/^hidden/ { exit !($2 > least && $4 == $2 && $6 == 0) }' $work/attacked
	# The processors' and the machine's pages, and of each ring at least the beginning.
	check 'attack: the others can be read' \
		awk -v least=$((2 * $(processors) + 1)) '/^readable/ { exit !($4 >= least && $6 == 0) }' \
		$work/attacked
}

# attack_logged: each page that was written is in the log, and who did it.
attack_logged() {
	sleep 1
	hpctl log >$work/log
	read -r _ rip _ cr3 _ pid name _ offset <$work/attacked
	by="RIP $rip, CR3 $cr3, process $pid ($name) \\[hptest+$offset\\]"
	# The first one is written by a function of the kernel's, on behalf of the same.
	wanted="RIP [0-9a-f]*, CR3 $cr3, process $pid ($name) \\[kernel+0x[0-9a-f]*\\]"
	sed 1d $work/attacked | while read -r address; do
		grep -q "write to hidden memory was dropped: address $address, .*$wanted\$" $work/log ||
			echo "no line for $address by $wanted"
		wanted=$by
	done >$work/unlogged
	grep -m 3 'hidden memory' $work/log | sed 's/^/# /'
	[ "$(wc -l <$work/attacked)" -gt $ATTACK_LEAST ] && ! [ -s $work/unlogged ] && return
	echo "of $(sed 1d $work/attacked | wc -l) pages:" $(head -n 3 $work/unlogged)
	return 1
}

attack() {
	need_hptest
	mark 'virtualized pass'
	load attack || return
	attack_read
	kernel attack hidden 165 >$work/attacked
	check 'attack: all answer after writes to every hidden page' present
	check 'attack: the log says who wrote where' attack_logged
	sed 's/^/# /' $work/check
	check 'attack: every verb ends' verbs_end
	unload 'attack: hidden pages'
	check 'attack: nobody is there' absent
	# Pages that the system reads: whatever lies in them then, it must live.
	for what in rings readable; do
		for pattern in 165 0; do
			load "attack: $what, $pattern" || return
			check "attack: $what, $pattern: written" kernel attack $what $pattern
			check "attack: $what, $pattern: every verb ends" verbs_end
			sleep 0.5
			check "attack: $what, $pattern: it can be unloaded" sh -c \
				'hpctl unload || { sleep 1; hpctl unload; }'
			check "attack: $what, $pattern: nobody is there" absent
		done
	done
	cycle 'attack: a load behind it' && ok 'attack: a load behind it'
}

# --- Its device ---

fuzz() {
	mark 'virtualized pass'
	modprobe hyperplatform
	check "fuzz: ${1:-10} seconds of requests: each answer is a documented one" \
		"$here/fuzz" "${1:-10}" 1
	"$here/fuzz" 2 2 >/dev/null # to have memory settled
	before=$(memory_taken)
	"$here/fuzz" "${1:-10}" 3 >$work/fuzzed
	same 'fuzz: and of another seed' 0 $?
	sed 's/^/# /' $work/fuzzed
	hpctl unload >/dev/null 2>&1
	check 'fuzz: nobody is there' absent
	cycle 'fuzz: a load behind it' && ok 'fuzz: a load behind it'
	modprobe hyperplatform
	check 'fuzz: memory is back' memory_kept "$before" 1
	rmmod hyperplatform
}
