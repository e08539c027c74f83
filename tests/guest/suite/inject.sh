# SPDX-License-Identifier: MIT
#
# Failures of root, made on purpose: hpfault.ko puts other code at the entry of one of root's
# functions before the load. Whoever runs into it has to get away, the system runs on, and the report
# names the place. root.sym says where functions are.
#
# World: the guest, sourced by suite.sh.

# What a function is replaced by: NAME CODE WHAT, where WHAT is what the log says about it.
failures() {
	cat <<'END'
ud 0f0b vector.6.at
gp 48b80000000000000080488b00 vector.13.at
pf 488b042500000000 vector.14.at
overflow 50ebfd vector.8.at
END
}

# A function that never comes back, and one that leaves a value in the VMCS, and then says that the
# guest can go on: vmcs FIELD VALUE.
ENDLESS=ebfe

little_endian() {
	number=$1 bytes=$2
	while [ "$bytes" -gt 0 ]; do
		printf '%02x' $((number & 255))
		number=$((number >> 8))
		bytes=$((bytes - 1))
	done
}

vmcs_code() {
	printf 'b8%s48b9%s0f79c131c0c3' "$(little_endian "$1" 4)" "$(little_endian "$2" 8)"
}

# Fields whose value no processor takes: FIELD VALUE NAME. Controls, host state, guest state.
bad_fields() {
	cat <<'END'
0x4000 0xffffffff pin-based controls
0x4002 0x00000000 processor-based controls
0x401e 0xffffffff secondary controls
0x400c 0x00000000 VM-exit controls
0x4012 0x00000000 VM-entry controls
0x201a 0xfff EPT pointer
0x2004 0x123 MSR-bitmap address
0x4016 0x80000723 VM-entry interruption information
0x6c02 0x7fffffffffffffff host CR3
0x6c00 0 host CR0
0x0c02 0 host CS
0x0c0c 0 host TR
0x6c0e 0x800000000000000 host IDTR base
0x6c16 0x800000000000000 host RIP
0x2c02 0xffffffff host EFER
0x6820 0 guest RFLAGS
0x6820 0xffffffff guest RFLAGS
0x4824 0xffff guest interruptibility state
0x4826 77 guest activity state
0x6822 0xffffffff guest pending debug exceptions
0x2800 0 VMCS link pointer
0x6800 0 guest CR0
0x6804 0 guest CR4
0x2806 0xffffffff guest EFER
0x681a 0x7fffffffffffffff guest DR7
0x6816 0x800000000000000 guest GDTR base
0x6818 0x800000000000000 guest IDTR base
0x681e 0x800000000000000 guest RIP
END
}

# Functions of root that every system runs into when everything exits: all of the normal way, none of
# the way out.
inject_functions() {
	cat <<'END'
exit_cpuid exit_rdmsr exit_wrmsr exit_cr exit_event exit_ept_violation exit_vmcall exit_dr
exit_rdtsc exit_rdtscp exit_hlt exit_pause exit_io exit_invlpg exit_invpcid skip_instruction
nmi_exit nmi_arrange inject_caught guest_operand guest_register_read guest_cr0
invalidate_guest amend msr_rule_find capability_mask_cpuid
END
}

symbol() {
	awk -v name="$1" '$2 == name { print $1; exit }' "$here/root.sym"
}

# What makes every kind of exit, on each processor, and must end as it does bare.
inject_trigger() {
	for cpu in $(each_processor); do
		taskset $((1 << cpu)) "$here/workload" 1 >$work/workload 2>&1 || return
	done
	[ ! -e /proc/hptest ] || kernel nmi 0 2 >$work/nmi
}

# The worker ends the run: until nobody is there any more.
stepped_aside() {
	for i in $(seq 100); do
		! "$here/presence" >$work/presence && break
		sleep 0.1
	done
	hpctl log >$work/log 2>&1
	grep -q 'stepped aside' $work/log
}

# injection NAME OFFSET CODE PATTERN
injection() {
	modprobe hyperplatform
	if ! insmod "$here/hpfault.ko" fault=patch "offset=$2" "code=$3" 2>$work/insmod; then
		not_ok "$1" "$(cat $work/insmod)"
		return
	fi
	hpctl load exits=all >$work/load 2>&1
	loaded=$?
	rmmod hpfault
	inject_trigger
	triggered=$?
	if ! stepped_aside; then
		not_ok "$1" "load $loaded, trigger $triggered: $(tail -n 3 $work/log | tr '\n' ' ')"
		hpctl unload >/dev/null 2>&1
		return
	fi
	if [ $triggered -ne 0 ]; then
		not_ok "$1" "the workload: $(tr '\n' ' ' <$work/workload)"
	elif ! grep -q -e "stepped aside: .*$4" $work/log; then
		not_ok "$1" "$(grep 'stepped aside' $work/log | tr '\n' ' ')"
	elif ! absent module >$work/check; then
		not_ok "$1" "$(cat $work/check)"
	else
		injections=$((injections + 1))
		sed -n "s/.*processor \([0-9]*\) stepped aside/# $1: \1/p" $work/log
	fi
	hpctl unload >/dev/null 2>&1
	rmmod hyperplatform 2>/dev/null
}

inject() {
	need_hptest
	mark 'virtualized pass'
	injections=0
	wanted=${1:-40}
	done=0
	while [ $done -lt "$wanted" ]; do
		for function in $(inject_functions); do
			failures >$work/failures
			while read -r name code pattern; do
				[ $done -lt "$wanted" ] || break 2
				done=$((done + 1))
				injection "$name in $function" "0x$(symbol "$function")" "$code" \
					"$pattern root.elf.0x0*$(symbol "$function" | sed 's/^0*//')" </dev/null
			done <$work/failures
		done
	done
	same "inject: got away from root's failures" "$wanted" "$injections"
	check 'inject: a load afterwards' hpctl load
	check 'inject: all answer' present
	unload inject
}

inject_fields() {
	mark 'virtualized pass'
	injections=0
	bad_fields >$work/fields
	count=0
	while read -r field value name; do
		count=$((count + 1))
		injection "$name = $value" "0x$(symbol exit_rdmsr)" \
			"$(vmcs_code "$field" "$value")" 'VM entry failed' </dev/null
	done <$work/fields
	same "inject: got away from bad fields of the VMCS" "$count" "$injections"
}
