#!/usr/bin/env bash
# Runs every fuzz target of the tree for a while each; a target needs no entry
# anywhere to be found. What go finds it keeps as a seed under the package's
# testdata/fuzz: commit it with the fix.
#
#   FUZZTIME   how long the targets of what reads bytes of strangers run (60s)
#   FUZZREST   how long the others run (20s)
#   FUZZ       only targets whose name matches this regular expression
#   FUZZJOBS   how many targets run side by side, one worker each (2)
#
# Fails when a target finds something, when the tree does not compile, and when
# there is no target at all.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${FUZZTIME:-60s}
fuzzrest=${FUZZREST:-20s}
pattern=${FUZZ:-.}
jobs=${FUZZJOBS:-2}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# `go test -list` prints a package's targets, then "ok <package> <time>".
list=$(go test -vet=off -list '^Fuzz' ./...)
targets=$(awk -v want="$pattern" '
	/^Fuzz/        { names[++n] = $1; next }
	$1 == "ok"     { for (i = 1; i <= n; i++) if (names[i] ~ want) print $2, names[i] }
	               { n = 0 }
' <<<"$list")
if [ -z "$targets" ]; then
	echo "fuzz: no target matches $pattern" >&2
	exit 1
fi
echo "fuzz: $(wc -l <<<"$targets") targets, $fuzztime or $fuzzrest each"

# fuzz PACKAGE TARGET runs one target; its output goes to a log, which stays
# where the target found something.
fuzz() {
	local log="$logs/${1//\//_}.$2" result=0 tries=0 howlong=$fuzzrest
	case $1 in
	*/pkg/audit | */pkg/falco/*) howlong=$fuzztime ;;
	esac
	while :; do
		result=0
		go test -vet=off -run '^$' -fuzz "^$2\$" -fuzztime "$howlong" -fuzzminimizetime 5s -parallel 1 "$1" >"$log" 2>&1 || result=$?
		# go's fuzzer now and then calls its own deadline a failure
		# (go.dev/issue/75804): nothing found, nothing written. Again, then, a few times.
		if [ $result -eq 0 ] || [ $tries -gt 2 ] || grep -q 'Failing input written' "$log" || ! grep -q 'context deadline exceeded' "$log"; then
			break
		fi
		tries=$((tries + 1))
	done
	if [ $result -ne 0 ]; then
		mv "$log" "$log.failed"
		echo "fuzz: $2 ($1) FAILED"
		cat "$log.failed"
	else
		echo "fuzz: $2 ($1): $(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
	fi
}

while read -r package target; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n || true
	done
	fuzz "$package" "$target" &
done <<<"$targets"
wait

failed=$(find "$logs" -name '*.failed' | wc -l)
if [ "$failed" -gt 0 ]; then
	echo "fuzz: findings in $failed targets; the inputs are now seeds under testdata/fuzz of their packages" >&2
	exit 1
fi
