# shellcheck shell=sh
# Sections of suite.sh on loads that are refused.

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
		[ "$i" -gt 1 ] || before=$(memory_taken)
	done
	ok "$1"
	sed 's/^/# /' $work/refused
	check "$1: memory is back" memory_kept "$before" $((REFUSED_ROUNDS - 1))
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
		[ $number -gt 2 ] || before=$(memory_taken)
	done
	if [ $status -eq 0 ] && [ $number -gt 1 ]; then
		ok "refusal: out of memory, at each of $((number - 1)) allocations"
		hpctl unload >/dev/null
		modprobe hyperplatform
	else
		not_ok 'refusal: out of memory' "status $status after $number allocations"
	fi
	check 'refusal: out of memory: memory is back' memory_kept "$before" $((number - 2))
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
