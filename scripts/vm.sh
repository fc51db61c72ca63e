#!/bin/sh
# The faults that need a machine of one's own (internal/faults, vm_test.go): a clock that
# is set, a plug that is pulled, sleep, control groups of version 2. The
# machine is User-mode Linux: a Linux that runs as an ordinary program, boots in a second
# and needs neither KVM nor root. Its kernel comes from the distribution's package,
# unpacked into .cache/vm: nothing is installed. A network of its own, which nobody else
# on this machine can reach, leads to it. `make vm` runs all; `scripts/vm.sh NAME` one
# test.
set -eu
cd "$(dirname "$0")/.."

fail() {
	echo "$1" >&2
	exit 1
}
[ "$(uname -sm)" = "Linux x86_64" ] || fail "make vm boots a User-mode Linux, which there is for Linux on x86-64 only, not for $(uname -sm)."
PATH=$PATH:/usr/sbin:/sbin
need() { command -v "$1" >/dev/null 2>&1 || fail "make vm needs $1. Install it with: sudo apt-get install $2"; }
need unshare util-linux
need ip iproute2
need mkfs.ext4 e2fsprogs

kernel=.cache/vm/usr/bin/linux.uml
if ! "$kernel" --version >/dev/null 2>&1; then
	echo "unpacking user-mode-linux into .cache/vm"
	rm -rf .cache/vm
	mkdir -p .cache/vm
	(
		cd .cache/vm
		apt-get download -qq user-mode-linux >/dev/null 2>&1 ||
			{ [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get download -qq user-mode-linux; } >/dev/null 2>&1
		dpkg-deb -x ./*.deb . && rm -rf ./*.deb usr/lib usr/share
	) && "$kernel" --version >/dev/null 2>&1 ||
		fail "make vm needs Debian's package user-mode-linux, and it could not be fetched. Install it with: sudo apt-get install user-mode-linux"
fi

# Compiled outside of the network of its own, where nothing can be fetched.
CGO_ENABLED=0 go test -tags vm -c -o .cache/vm/faults.test ./internal/faults
RUNNEL_BINARY=${RUNNEL_BINARY:-$PWD/bin/runnel}
RUNNEL_VM_KERNEL=$PWD/$kernel
export RUNNEL_BINARY RUNNEL_VM_KERNEL
cd internal/faults
[ "$(id -u)" = 0 ] || mapped=--map-root-user
# A namespace of processes, too: whatever ends the tests ends the machine, of which every process is one here.
# shellcheck disable=SC2016,SC2086 # for the shell inside; nothing, or one option
exec unshare --net --pid --fork --kill-child --mount-proc ${mapped:-} sh -c '
	ip link set lo up
	ip tuntap add runnel0 mode tap
	ip address add 10.0.2.1/24 dev runnel0
	ip link set runnel0 up
	"$@"' sh ../../.cache/vm/faults.test -test.v -test.timeout 0 -test.run "${1:-^TestVM}"
