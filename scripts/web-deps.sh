#!/bin/sh
# Installs what the page is built with (web/node_modules), as the lock file says.
# Does nothing when it is there.
set -eu
cd "$(dirname "$0")/.."

if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
	echo "Node.js 20.19 or newer is needed to build the page (found: $(node --version 2>/dev/null || echo none)). See https://nodejs.org/" >&2
	exit 1
fi
mkdir -p .cache
lock=$(cksum <web/package-lock.json)
if [ -d web/node_modules ] && [ "$(cat .cache/web-deps.stamp 2>/dev/null)" = "$lock" ]; then
	exit 0
fi
echo "installing what the page is built with"
rm -f .cache/web-deps.stamp
(cd web && npm ci --no-audit --no-fund --loglevel=error)
printf '%s' "$lock" >.cache/web-deps.stamp
