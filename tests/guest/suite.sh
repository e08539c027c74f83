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

# shellcheck source=/dev/null
for theme in common architecture cycles nmi life refusals inject; do
	. "$here/suite/$theme.sh"
done

mark 'bare pass'
for section; do
	argument=
	case $section in
	*=*) argument=${section#*=} ;;
	esac
	case ${section%%=*} in
	probes | memory | cycles | exits | workload | step | random | nmi | offline | refusals | cost | inject) ${section%%=*} "$argument" ;;
	inject-fields) inject_fields ;;
	inject-endless) inject_endless "$argument" ;;
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
