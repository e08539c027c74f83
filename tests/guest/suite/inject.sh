# SPDX-License-Identifier: MIT
#
# Failures of root, made on purpose: hpfault.ko puts other code at the entry of one of root's
# functions before the load. Whoever runs into it has to get away, the system runs on, and the report
# names the place. root.sym says where functions are.
#
# World: the guest, sourced by suite.sh.

# What a function is replaced by: NAME CODE VECTOR.
failures() {
	cat <<'END'
ud 0f0b 6
gp 48b80000000000000080488b00 13
pf 488b042500000000 14
overflow 50ebfd 8
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

# The code writes VALUE into FIELD by VMWRITE, guest state as every handler does it: by undo_vmwrite().
# vmcs_code FIELD VALUE OFFSET, where OFFSET is that of the code.
vmcs_code() {
	if [ $(($1 >> 10 & 3)) -eq 2 ]; then
		printf 'bf%s48be%se8%s31c0c3' "$(little_endian "$1" 4)" "$(little_endian "$2" 8)" \
			"$(little_endian $((0x$(symbol undo_vmwrite) - $3 - 20)) 4)"
	else
		printf 'b8%s48b9%s0f79c131c0c3' "$(little_endian "$1" 4)" "$(little_endian "$2" 8)"
	fi
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
0x4016 0x80000103 VM-entry interruption information
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
0x2804 0x0202020202020202 guest PAT
0x6810 0x800000000000000 guest GS base
0x6824 0x800000000000000 guest IA32_SYSENTER_ESP
0x4816 0 guest CS access rights
0x481a 0x60 guest DS access rights
0x4822 0 guest TR access rights
END
}

# Functions of root that every system runs into when everything exits: all of the normal way, none of
# the way out.
inject_functions() {
	cat <<'END'
exit_cpuid_amend exit_rdmsr exit_cr exit_event exit_ept_violation exit_vmcall exit_dr
exit_rdtsc exit_rdtscp exit_pause exit_io exit_invlpg exit_invpcid undo_vmwrite
nmi_exit nmi_arrange inject_caught guest_operand guest_register_read guest_cr0
invalidate_guest msr_rule_find capability_mask_cpuid
END
}

symbol() {
	awk -v name="$1" '$2 == name { print $1; exit }' /usr/lib/hyperplatform/root.sym
}

# The worker ends the run: until nobody is there any more.
stepped_aside() {
	for i in $(seq "$1"); do
		"$here/presence" >$work/presence || break
		sleep 0.05
	done
	dmesg | sed -n "/suite: injection $round\$/,\$p" >$work/log
	grep -q 'stepped aside: ' $work/log
}

# reported VECTOR OFFSET: some processor says that it failed so in that function's first bytes; with
# "entry" for a vector, that an entry failed.
reported() {
	awk -v vector="$1" -v offset="$(printf '%d' "$2")" '
		/stepped aside: VM entry failed/ && vector == "entry" { found = 1 }
		/stepped aside: / && match($0, /vector [0-9]+ at root.elf\+0x[0-9a-f]+/) {
			split(substr($0, RSTART, RLENGTH), word, / |\+0x/)
			at = 0
			for (i = 1; i <= length(word[5]); i++)
				at = at * 16 + index("0123456789abcdef", substr(word[5], i, 1)) - 1
			if (word[2] == vector && at >= offset && at < offset + 32)
				found = 1
		}
		END { exit !found }' $work/log
}

# Of injections, over all sections: their marks in the kernel's log.
round=0

# injection NAME OFFSET CODE VECTOR [ROUNDS]: the module is there.
injection() {
	round=$((round + 1))
	mark "injection $round"
	if ! insmod "$here/hpfault.ko" fault=patch "offset=$2" "code=$3" 2>$work/insmod; then
		not_ok "$1" "$(cat $work/insmod)"
		return
	fi
	hpctl load exits=all >$work/load 2>&1
	loaded=$?
	rmmod hpfault
	if ! stepped_aside 10; then
		kernel nmi 0 2 >$work/nmi
		hpctl ping >$work/ping 2>&1
		"$here/workload" 1 >$work/workload
		stepped_aside "${5:-50}"
	fi
	if ! grep -q 'stepped aside: ' $work/log; then
		not_ok "$1" "nothing happened; load $loaded: $(tail -n 3 $work/log | tr '\n' ' ')"
		hpctl unload >$work/unload 2>&1
		modprobe hyperplatform
	elif ! reported "$4" "$2"; then
		not_ok "$1" "$(grep 'stepped aside' $work/log | tr '\n' ' ')"
	elif ! absent module >$work/check; then
		not_ok "$1" "$(cat $work/check)"
	else
		injections=$((injections + 1))
		sed -n "s/.*processor \([0-9]*\) stepped aside/# $1: \1/p" $work/log
	fi
}

inject_begin() {
	need_hptest
	mark 'virtualized pass'
	injections=0
	modprobe hyperplatform
}

# inject_end WHAT WANTED
inject_end() {
	same "inject: got away from $1" "$2" "$injections"
	check "inject: a load with exits=all after $1" hpctl load exits=all
	check "inject: the workload finds nothing wrong after $1" "$here/workload" 2
	check "inject: all answer after $1" present
	unload inject
}

inject() {
	inject_begin
	wanted=${1:-40}
	done=0
	while [ $done -lt "$wanted" ]; do
		failures >$work/failures
		while read -r name code vector; do
			for function in $(inject_functions); do
				[ $done -lt "$wanted" ] || break 2
				done=$((done + 1))
				injection "$name in $function" "0x$(symbol "$function")" "$code" "$vector" \
					</dev/null
			done
		done <$work/failures
	done
	inject_end "root's failures" "$wanted"
}

# A function that does not come back is noticed from another processor: none but the last runs into
# it, by instructions that nobody else executes.
inject_endless() {
	inject_begin
	last=$(($(processors) - 1))
	for i in $(seq "${1:-3}"); do
		round=$((round + 1))
		mark "injection $round"
		offset=0x$(symbol exit_vmx_instruction)
		insmod "$here/hpfault.ko" fault=patch "offset=$offset" code=$ENDLESS
		hpctl load >$work/load 2>&1
		rmmod hpfault
		taskset 1 sh -c "echo run $last 'kernel: VMX' >/proc/hptest"
		if stepped_aside 100 && reported 2 "$offset" && absent module >$work/check; then
			injections=$((injections + 1))
		else
			not_ok "inject: endless, round $round" "$(tail -n 3 $work/log | tr '\n' ' ')"
		fi
	done
	inject_end 'endless loops' "${1:-3}"
}

# In user mode, whose address space has no gate under page-table isolation. Every program begins
# with CPUIDs there, which the kernel hardly ever executes. It must run on, first in the minimal loop,
# then, when that fails too, by the gate's alias. Without that isolation it leaves at once.
inject_user() {
	inject_begin
	first=RETREATED_LATER seconds='none vmx_setup_again'
	if grep -qw nopti /proc/cmdline; then
		first=RETREATED seconds=none
	fi
	for second in $seconds; do
		round=$((round + 1))
		mark "injection $round"
		amend=0x$(symbol exit_cpuid_amend)
		patches="offset=$amend code=0f0b"
		[ $second = none ] || patches="offset=$amend,0x$(symbol $second) code=0f0b,0f0b"
		# shellcheck disable=SC2086
		insmod "$here/hpfault.ko" fault=patch $patches
		hpctl load >$work/load 2>&1
		check "inject: the program in user mode runs on, $second" "$here/identify" 100000
		rmmod hpfault
		stepped_aside 100
		hpctl report --json >$work/report 2>&1
		wanted=$first
		[ $second = none ] || wanted=ESCAPED
		if grep -q "\"$wanted\"" $work/report && absent module >$work/check; then
			injections=$((injections + 1))
		else
			not_ok "inject: user mode, $second: $wanted" \
				"$(grep '"end"' $work/report | tr '\n' ' ') $(cat $work/check)"
		fi
	done
	inject_end 'failures in user mode' "$(echo "$seconds" | wc -w)"
}

# The first ones, or all.
inject_fields() {
	inject_begin
	bad_fields | head -n "${1:-1000}" >$work/fields
	count=0
	while read -r field value name; do
		count=$((count + 1))
		injection "$name = $value" "0x$(symbol exit_rdmsr)" \
			"$(vmcs_code "$field" "$value" "0x$(symbol exit_rdmsr)")" entry </dev/null
	done <$work/fields
	inject_end 'bad fields of the VMCS' "$count"
}
