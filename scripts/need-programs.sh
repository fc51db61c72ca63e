#!/bin/sh
# The fault tests put a real nginx before the server, and strace under it (Linux).
# What is not on this machine is unpacked from the distribution's package into
# .cache, where it serves the tests only: nothing is installed, no service starts.
# Where that cannot be done, it names the one command and fails.
set -eu
cd "$(dirname "$0")/.."

found() { # both programs tell their version at -V
	for path in "$1" "/usr/sbin/$1" ".cache/$1/usr/sbin/$1" ".cache/$1/usr/bin/$1"; do
		if "$path" -V >/dev/null 2>&1; then
			return
		fi
	done
	return 1
}

# unpack NAME PACKAGE: the package's files, in .cache/NAME.
unpack() {
	command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
	rm -rf ".cache/$1"
	mkdir -p ".cache/$1"
	(
		cd ".cache/$1"
		apt-get download -qq "$2" >/dev/null 2>&1 ||
			{ [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get download -qq "$2"; } >/dev/null 2>&1
		dpkg-deb -x ./*.deb . && rm -f ./*.deb
	)
}

need() { # NAME PACKAGE...
	name=$1
	shift
	found "$name" && return
	for package in "$@"; do
		echo "unpacking $package into .cache"
		if unpack "$name" "$package" && found "$name"; then
			return
		fi
	done
	echo "The fault tests need $name, and it was not found. Install it with:" >&2
	case "$(uname -s)" in
	Darwin) echo "  brew install $name" >&2 ;;
	*) if command -v apt-get >/dev/null 2>&1; then echo "  sudo apt-get install $1" >&2; else echo "  sudo dnf install $name" >&2; fi ;;
	esac
	exit 1
}

need nginx nginx nginx-light
[ "$(uname -s)" != Linux ] || need strace strace
