# shellcheck shell=sh
# Sections of suite.sh on NMIs.

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
