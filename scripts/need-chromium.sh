#!/bin/sh
# The browser tests need Chromium. Prints its path; installs it where that is
# ours to do (root on Debian or Ubuntu), else names the one command and fails.
set -eu
find_chromium() {
	for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
		if [ -n "$name" ] && command -v "$name" 2>/dev/null; then
			return
		fi
	done
	return 1
}

find_chromium && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && grep -q '^ID=debian' /etc/os-release; then
	echo "installing Chromium" >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 ||
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } >&2
	find_chromium && exit 0
fi
echo "The browser tests need Chromium or Chrome, and none was found (\$CHROMIUM may name one). Install it with:" >&2
case "$(uname -s)" in
Darwin) echo "  brew install --cask chromium" >&2 ;;
*) if command -v apt-get >/dev/null 2>&1; then echo "  sudo apt-get install chromium" >&2; else echo "  sudo dnf install chromium" >&2; fi ;;
esac
exit 1
