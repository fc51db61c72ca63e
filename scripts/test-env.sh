#!/bin/sh
# Makes what tests with real kernels need, under .cache: two Python environments
# and Deno. Safe to run again: what is there and complete is left alone.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .cache

# python_env NAME REQUIREMENT: an environment with that ipykernel. A stamp that
# holds the list of packages is written last, so a half-made one is made again.
python_env() {
	dir=.cache/$1
	packages="$2 pyzmq nbformat jupyter_client ipywidgets tqdm anywidget"
	if [ -x "$dir/bin/python" ] && [ "$(cat "$dir/.complete" 2>/dev/null)" = "$packages" ]; then
		echo "$dir is ready"
		return
	fi
	echo "making $dir ($packages)"
	set -f # ipykernel==6.* is no file name pattern
	if command -v uv >/dev/null 2>&1; then
		[ -x "$dir/bin/python" ] || uv venv --quiet --seed "$dir"
		uv pip install --quiet --python "$dir/bin/python" $packages
	else
		[ -x "$dir/bin/python" ] || "${PYTHON:-python3}" -m venv "$dir"
		"$dir/bin/python" -m pip install --quiet --disable-pip-version-check $packages
	fi
	set +f
	printf '%s' "$packages" >"$dir/.complete"
}

python_env py-ipykernel6 'ipykernel==6.*'
python_env py-ipykernel7 'ipykernel==7.4.*'

# The program itself lies in the package of this platform; no install script is needed.
deno=2.9.6
if [ "$(cat .cache/deno/.complete 2>/dev/null)" = "$deno" ]; then
	echo ".cache/deno is ready"
else
	echo "making .cache/deno (deno $deno)"
	mkdir -p .cache/deno
	npm install --silent --ignore-scripts --no-save --prefix .cache/deno "deno@$deno"
	chmod +x .cache/deno/node_modules/@deno/*/deno
	printf '%s' "$deno" >.cache/deno/.complete
fi
