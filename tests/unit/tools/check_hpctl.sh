#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The program itself, on this machine as it is: help of each verb, exit statuses, streams, and the
# man page. Nothing is loaded: where the module happens to be there, only help and man page are
# looked at.
#
#   check_hpctl.sh HPCTL MANPAGE

set -u
export LC_ALL=C
hpctl=$1
page=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

bad() {
	echo "check_hpctl: $*" >&2
	sed 's/^/    /' "$work/out" "$work/err" >&2
	failed=1
}

# run STATUS ARGUMENT...: the exit status must be one of the word STATUS, such as "0|3".
run() {
	wanted=$1
	shift
	"$hpctl" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	case "|$wanted|" in
	*"|$status|"*) ;;
	*) bad "hpctl $*: exit status $status, not $wanted" ;;
	esac
}

said() { grep -q -e "$2" "$work/$1" || bad "std$1 has no \"$2\""; }
silent() { [ ! -s "$work/$1" ] || bad "std$1 is not empty"; }

# Help, and nothing but help.
run 0 --help
silent err
verbs=$(sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p' "$work/out")
[ "$(echo "$verbs" | wc -w)" -eq 11 ] || bad "not eleven verbs: $verbs"
for verb in $verbs; do
	run 0 help "$verb"
	silent err
	said out "^usage: hpctl $verb"
	cp "$work/out" "$work/help"
	run 0 "$verb" --help
	cmp -s "$work/out" "$work/help" || bad "$verb --help differs from help $verb"
	run 2 "$verb" --nosuch
	silent out
	said err "^hpctl: $verb: --nosuch"
	said err '^remedy: '

	# Each option that the help names is in the man page, and each verb.
	grep -q "^\.It Cm $verb" "$page" || bad "the man page lacks $verb"
	sed -n 's/.*--\([a-z-]\{1,\}\).*/\1/p' "$work/help" | sort -u >"$work/options"
	while read -r option; do
		grep -q -e "Fl -$option" "$page" || bad "the man page lacks --$option of $verb"
	done <"$work/options"
done
run 0 --version
said out '^hpctl [0-9]'
run 2
run 2 nosuch
silent out

# The man page.
if command -v mandoc >/dev/null; then
	# The index of installed pages, which may be out of date, is no matter of this page.
	mandoc -T lint -W style "$page" 2>/dev/null >"$work/out"
	: >"$work/err"
	silent out
else
	echo "check_hpctl: no mandoc, the man page was not checked" >&2
fi

# Output that goes nowhere.
"$hpctl" --help >/dev/full 2>"$work/err"
[ $? -eq 3 ] || bad "--help >/dev/full"
said err 'cannot write the output: No space'
"$hpctl" --help >&- 2>"$work/err"
[ $? -eq 3 ] || bad "--help >&-"
{ "$hpctl" help; echo $? >"$work/status"; } 2>"$work/err" | :
status=$(cat "$work/status")
[ "$status" = 0 ] || [ "$status" = 3 ] || bad "help | : gave $status"

# Without the module, for any user.
if [ ! -e /dev/hyperplatform ] && [ "$(uname -s)" = Linux ]; then
	run 1 status
	said out 'its module is not loaded'
	silent err
	run 1 status --json
	run 1 ping
	said out '^Nothing answers on any processor\.$'
	silent err
	run 1 stat
	silent out
	said err '^hpctl: .*: HyperPlatform is not running$'
	said err '^remedy: hpctl load$'
	run 1 log -f
	run '0|1|4' report
	run 3 report --file /nonexistent
	silent out
	said err '^hpctl: cannot get the report: /nonexistent: No such file'
	run 0 version
	run 3 unload
	silent out
	run '3|4' load --module /nonexistent.ko
	silent out
	said err '^remedy: '

	# Without VT-x the answer needs no module; with it, one might be loaded.
	if grep -q ' vmx\b' /proc/cpuinfo; then
		echo "check_hpctl: a processor with VT-x: check was not run"
	else
		run 1 check
		silent err
		said out '^MISSING .* Intel VT-x'
		said out "^This machine can't run HyperPlatform: the processor has no Intel VT-x"
		run 1 check --json
		said out '"error":	"NO_VMX"'
	fi
	if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
		cp "$hpctl" "$work/hpctl"
		chmod 755 "$work" "$work/hpctl"
		setpriv --reuid 65534 --regid 65534 --clear-groups "$work/hpctl" load \
			>"$work/out" 2>"$work/err"
		[ $? -eq 4 ] || bad "load as nobody"
		said err '^hpctl: cannot load HyperPlatform: only root may load a module$'
		said err '^remedy: run it as root$'
	fi
fi

[ $failed -eq 0 ] && echo "check_hpctl: passed"
exit $failed
