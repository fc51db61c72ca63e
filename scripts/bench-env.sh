#!/bin/sh
# Makes .cache/bench-env: a Python environment with ipykernel and the newest
# Jupyter Server, for `make bench`. Safe to run again: what is complete is left alone.
set -eu
cd "$(dirname "$0")/.."
dir=.cache/bench-env
packages="jupyter-server ipykernel"
if [ -x "$dir/bin/python" ] && [ "$(cat "$dir/.complete" 2>/dev/null)" = "$packages" ]; then
	exit 0
fi
echo "making $dir ($packages)"
mkdir -p .cache
rm -f "$dir/.complete"
if command -v uv >/dev/null 2>&1; then
	[ -x "$dir/bin/python" ] || uv venv --quiet "$dir"
	uv pip install --quiet --python "$dir/bin/python" --upgrade $packages
else
	[ -x "$dir/bin/python" ] || "${PYTHON:-python3}" -m venv "$dir"
	"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade $packages
fi
printf '%s' "$packages" >"$dir/.complete"
