#!/bin/bash
# Everything that must be true before a change lands. Continuous integration runs
# the same. It stops at the first step that fails and says which.
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
	local began=$SECONDS
	printf '\n== %s\n' "$1"
	shift
	"$@" || { printf '\n== failed after %d s: %s\n' $((SECONDS - began)) "$*"; exit 1; }
	printf '== %d s\n' $((SECONDS - began))
}
in_web() { (cd web && "$@"); }
# Most of these tests run real kernels and servers and wait for them, three packages at a time. A package
# that fails in that company is run again by itself: a test that was only starved of
# the processor passes then, and says so; one that finds a fault fails again.
go_tests() {
	local log=.cache/go-test.log failed others
	others=$(go list ./... | grep -v /internal/faults$)
	# shellcheck disable=SC2086 # a list of packages
	if go test -race -timeout 25m -p 3 $others 2>&1 | tee "$log"; then
		return
	fi
	failed=$(awk '/^FAIL[[:space:]]+github.com/ {print $2}' "$log" | sort -u)
	[ -n "$failed" ] || return 1
	printf '\n== again, one by one: %s\n' "$(echo $failed)"
	# shellcheck disable=SC2086 # a list of packages
	go test -race -timeout 25m -p 1 -count=1 $failed
}
# The fault tests break the built binary from outside. The race detector would see
# their own clients only, and slow those down; go's cache does not know the binary.
# They wait more than they work, so what only works runs beside them.
# What fails there is run again, alone.
fault_tests() {
	CGO_ENABLED=0 GOFLAGS=-trimpath RUNNEL_BINARY="$PWD/bin/runnel" go test -timeout 25m -count=1 "$@" ./internal/faults
}
begin_fault_tests() {
	fault_tests -parallel 4 >.cache/faults.log 2>&1 &
	faults=$!
}
end_fault_tests() {
	if wait "$faults"; then
		cat .cache/faults.log
		return
	fi
	cat .cache/faults.log
	local failed=
	grep -q '^panic: ' .cache/faults.log || # then not all were run
		failed=$(sed -n 's/^--- FAIL: \([A-Za-z0-9_]*\).*/\1/p' .cache/faults.log | sort -u | paste -sd '|')
	printf '\n== again, one by one: internal/faults, %s\n' "${failed:-all}"
	fault_tests -parallel 1 -run "^(${failed:-.*})\$"
}

step "kernels for the tests" scripts/test-env.sh
step "programs for the fault tests" scripts/need-programs.sh
step "a browser for the tests" scripts/need-chromium.sh
step "what the page is built with" scripts/web-deps.sh
step "the page and the binary" make --no-print-directory build
begin_fault_tests
trap wait EXIT # also after a failure: they leave no kernel behind when they come to their end
step "format, vet, staticcheck, types, lint" scripts/check.sh
step "tests of the page" in_web npm run --silent test
step "size of the page" in_web npm run --silent size
step "fault tests, to their end" end_fault_tests
step "tests of the server, under the race detector" go_tests
step "browser tests" make --no-print-directory e2e
printf '\nall passed in %d s\n' "$SECONDS"
