#!/bin/sh
# The Windows side under Wine, as a second opinion: hpctl.exe runs there as it does on Linux, and the
# driver's imports are found by a loader that is not ours. Wine's kernel is a process in user mode, in
# which there is no contiguous memory: DriverEntry has to refuse, and to leave nothing behind.
#
# usage: tests/nt/wine.sh [BUILD]       after make build/hpctl windows; prints "ok - NAME" and
#                                       "not ok - NAME: WHY"
#
# It takes 64-bit Wine alone (Debian: wine64), no display, and nothing of the user's: the prefix, the
# home and the server's folder are in a folder of its own, which goes at the end, with the server.

set -u
here=$(CDPATH='' cd "$(dirname "$0")" && pwd) || exit 1
build=$(cd "${1:-${here%/tests/nt}/build}" && pwd) || exit 1
driver=$build/windows/hyperplatform.sys
program=$build/windows/hpctl.exe
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
server=$(command -v wineserver64 || echo /usr/lib/wine/wineserver64)
failed=0

for needed in "$driver" "$program" "$build/hpctl" "$wine"; do
	[ -e "$needed" ] && continue
	echo "not ok - wine: $needed is missing"
	exit 1
done

work=$(mktemp -d "${TMPDIR:-/tmp}/hyperplatform-wine.XXXXXX") || exit 1
mkdir -m 700 "$work/home" "$work/run" || exit 1
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" TMPDIR="$work"
export WINEPREFIX="$work/prefix" WINEARCH=win64 WINEDEBUG=-all
# Without these, a new prefix asks whether to fetch Mono and Gecko, and waits for an answer.
export WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe='
unset DISPLAY WAYLAND_DISPLAY
# shellcheck disable=SC2317 # the trap calls it
finish() {
	"$server" -k
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# The longest that anything may take, in seconds; nothing takes a tenth of it.
PATIENCE=60

result() { # NAME WHY, empty: it is well
	if [ -z "$2" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1: $2"
		failed=1
	fi
}

# Runs hpctl.exe; its output is in $work/out, without carriage returns, its exit status in $status.
hpctl() {
	timeout $PATIENCE "$wine" "$program" "$@" >"$work/raw" 2>"$work/errors"
	status=$?
	tr -d '\r' <"$work/raw" >"$work/out"
	tr -d '\r' <"$work/errors" >>"$work/out"
}

# NAME STATUS PATTERN ARGUMENT...: it ends with that status, and a line has the pattern.
expect() {
	name=$1 wanted=$2 pattern=$3
	shift 3
	hpctl "$@"
	why=
	[ "$status" -eq "$wanted" ] || why="exit status $status instead of $wanted"
	grep -q -- "$pattern" "$work/out" || why="$why; it says: $(tr '\n' '|' <"$work/out")"
	result "$name" "$why"
}

# ARGUMENT...: the same text and status as hpctl on Linux.
same() {
	hpctl "$@"
	"$build/hpctl" "$@" >"$work/linux" 2>&1
	there=$?
	why=
	[ "$status" -eq $there ] || why="exit status $status, on Linux $there"
	cmp -s "$work/linux" "$work/out" || why="$why; another text"
	result "hpctl.exe ${*:-(no verb)}: as on Linux" "$why"
}

end_session() {
	"$server" -k
	timeout $PATIENCE "$server" -w
}

# A session that has just made its configuration does not start drivers: the next one does.
if ! timeout 300 "$wine" wineboot -i >"$work/wineboot" 2>&1; then
	echo "not ok - wine: no prefix can be made: $(tail -n 1 "$work/wineboot")"
	exit 1
fi
end_session

same help
for verb in check load unload status ping stat exits report log version help; do
	same help "$verb"
done
same
same nonsense
same status --nonsense
same load exits=nonsense
same --version
same status
same status --json
same report
same report --json

expect 'hpctl.exe ping fails, and says why' 1 'the driver is not loaded' ping
expect 'hpctl.exe log: not loaded' 1 'HyperPlatform is not running' log
expect 'hpctl.exe unload: not loaded' 3 'HyperPlatform is not running' unload
expect 'hpctl.exe version' 0 'the driver is not loaded' version

# What the machine is that we run on, we don't know; under Wine it is never able.
hpctl check
case $status in
1) result 'hpctl.exe check: not able, with a remedy' \
	"$(grep -q '^MISSING' "$work/out" && grep -q '^ *remedy: ' "$work/out" || cat "$work/out")" ;;
3) result 'hpctl.exe check: unknown' \
	"$(grep -q 'is not known' "$work/out" || cat "$work/out")" ;;
*) result 'hpctl.exe check' "exit status $status" ;;
esac
hpctl check --json
result 'hpctl.exe check --json' "$(grep -q '^	"able":	' "$work/out" || cat "$work/out")"

# The scripts of the zip. Wine has no fltmc, by which they find out whether they may.
script() { # NAME STATUS PATTERN FILE
	timeout $PATIENCE "$wine" cmd /c "Z:$(echo "$build/windows/zip/hyperplatform/$4" | tr / '\\')" \
		>"$work/raw" 2>/dev/null
	status=$?
	why=
	[ $status -eq "$2" ] || why="exit status $status instead of $2"
	grep -q "$3" "$work/raw" || why="$why; it says: $(tr -d '\r' <"$work/raw" | tr '\n' '|')"
	result "$1" "$why"
}
script 'install.cmd: not permitted' 4 'not permitted' install.cmd
echo 'int main(void) { return 0; }' |
	x86_64-w64-mingw32-gcc -x c - -o "$WINEPREFIX/drive_c/windows/system32/fltmc.exe"
script 'install.cmd: test signing is off' 1 'test signing is off' install.cmd
timeout $PATIENCE "$wine" reg add 'HKLM\SYSTEM\CurrentControlSet\Control' \
	/v SystemStartOptions /d ' TESTSIGNING' /f >/dev/null 2>&1
script 'install.cmd' 0 'is installed' install.cmd
script 'install.cmd: not twice' 3 'installed already' install.cmd
script 'uninstall.cmd' 0 'is uninstalled' uninstall.cmd
script 'uninstall.cmd: not twice' 1 'not installed' uninstall.cmd

# The driver: Wine says what it finds and what it does not, if the session was started that way.
end_session
cp "$driver" "$work/hyperplatform.sys"
WINEDEBUG=fixme+ntoskrnl,err+all,trace+seh
hpctl load --module "Z:$(echo "$work/hyperplatform.sys" | tr / '\\')"
WINEDEBUG=-all
cp "$work/errors" "$work/trace"
result 'the driver refuses under Wine: no contiguous memory' \
	"$([ $status -eq 3 ] && grep -q 'no memory for the driver' "$work/out" || tail -n 3 "$work/out")"
result 'every import of the driver is there under Wine' \
	"$(grep 'No implementation for\|unimplemented function' "$work/trace" | head -n 3)"
result 'DriverEntry has run, and looked newer functions up' \
	"$(grep -q 'MmGetSystemRoutineAddress.*MmAllocateContiguousNodeMemory' "$work/trace" ||
		echo 'it did not look up MmAllocateContiguousNodeMemory')"
result 'the driver did not fault' \
	"$(grep 'code=c0000005\|Unhandled exception' "$work/trace" | head -n 3)"
result 'nothing of the refused load stays' \
	"$(timeout $PATIENCE "$wine" reg query \
		'HKLM\System\CurrentControlSet\Services\HyperPlatform-hpctl' >/dev/null 2>&1 &&
		echo 'its service is still there')"

exit $failed
