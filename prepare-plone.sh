#!/bin/sh
# Makes the virtual environment with a real Plone that `npm run bench:plone` starts, in
# some minutes, once. Says nothing when it is there. PY names the interpreter: Plone
# 6.0 wants Python 3.10 (3.11 works, but can stumble when two threads compile the same
# page).
set -eu
cd "$(dirname "$0")"

environment=.venv/plone
requirements=bench/plone/requirements.txt

say() { printf 'prepare-plone: %s\n' "$*" >&2; }

# The copy of the list is the last step: what broke off before has none.
if [ -x "$environment/bin/python" ] &&
  cmp -s "$requirements" "$environment/requirements.txt"; then
  exit 0
fi

python=${PY:-python3.10}
if ! "$python" -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  say "no Python 3.10 or newer with venv is called $python. Name one:"
  say '  PY=/usr/bin/python3 npm run bench:plone'
  exit 1
fi
say "installing what $requirements names"
mkdir -p .venv
"$python" -m venv --clear "$environment"
"$environment/bin/python" -m pip install --disable-pip-version-check --quiet \
  --no-deps --requirement "$requirements" >&2
cp "$requirements" "$environment/requirements.txt"
