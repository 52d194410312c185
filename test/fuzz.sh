#!/usr/bin/env bash
# Runs every fuzz target of the tree for a while each; a target needs no entry
# anywhere to be found. What go finds it keeps as a seed under the package's
# testdata/fuzz: commit it with the fix.
#
#   FUZZTIME   how long each target runs (60s)
#   FUZZ       only targets whose name matches this regular expression
#
# Fails when a target finds something, when the tree does not compile, and when
# there is no target at all.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${FUZZTIME:-60s}
pattern=${FUZZ:-.}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

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
echo "fuzz: $(wc -l <<<"$targets") targets, $fuzztime each"

# fuzz PACKAGE TARGET runs one target, its output into the log.
fuzz() {
	go test -vet=off -run '^$' -fuzz "^$2\$" -fuzztime "$fuzztime" "$1" >"$log" 2>&1
}

failed=
while read -r package target; do
	echo "fuzz: $target ($package)"
	result=0
	fuzz "$package" "$target" || result=$?
	# go's fuzzer now and then calls its own deadline a failure
	# (go.dev/issue/75804): nothing found, nothing written. Once more, then.
	if [ $result -ne 0 ] && grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
		echo "fuzz: $target ended with the deadline itself; once more"
		result=0
		fuzz "$package" "$target" || result=$?
	fi
	if [ $result -ne 0 ]; then
		failed="$failed $target"
		cat "$log"
	else
		tail -n 3 "$log"
	fi
done <<<"$targets"

if [ -n "$failed" ]; then
	echo "fuzz: findings in:$failed; the inputs are now seeds under testdata/fuzz of their packages" >&2
	exit 1
fi
