#!/bin/sh
# Builds the page (web/) and puts it where the binary embeds it from
# (internal/webui/dist). Does nothing when nothing has changed.
set -eu
cd "$(dirname "$0")/.."

scripts/web-deps.sh
# go.sum too: the page holds the licences of all that is inside the binary.
now=$(find go.sum web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print | LC_ALL=C sort | xargs cat | cksum)
if [ -f internal/webui/dist/index.html ] && [ "$(cat .cache/web.stamp 2>/dev/null)" = "$now" ]; then
	exit 0
fi
echo "building the page"
rm -f .cache/web.stamp
(cd web && npm run --silent build)
# Exchanged as a whole: a build that runs at the same time finds the old page or the new one.
rm -rf internal/webui/dist.new internal/webui/dist.old
cp -R web/dist internal/webui/dist.new
[ ! -d internal/webui/dist ] || mv internal/webui/dist internal/webui/dist.old
mv internal/webui/dist.new internal/webui/dist
rm -rf internal/webui/dist.old
printf '%s' "$now" >.cache/web.stamp
