#!/bin/sh
# Measures the page in Chromium, on bin/runnel.
set -eu
cd "$(dirname "$0")/.."
CHROMIUM=$(scripts/need-chromium.sh)
export CHROMIUM
cd web
exec node bench/page.mjs ../bin/runnel "$@"
