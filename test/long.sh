#!/usr/bin/env bash
# Prints the packages whose tests do more where KUBEWITNESS_INTEGRATION=1 is set: of the
# others `make test` and the race detector's run have said all.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rlE 'kubewitness/test/(corpora|rig)|KUBEWITNESS_INTEGRATION|EnvIntegration' --include='*_test.go' . | xargs -n 1 dirname | sort -u
