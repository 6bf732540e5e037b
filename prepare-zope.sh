#!/bin/sh
# Makes the virtual environment with a real Zope and ZEO that test/zope starts.
# Run by `npm test`; says nothing when it is there.
set -eu
cd "$(dirname "$0")"

requirements=test/zope/requirements.txt
environment=.venv/zope

say() { printf 'prepare-zope: %s\n' "$*" >&2; }

# The copy of the list is the last step: what broke off before has none.
is_ready() {
  [ -x "$environment/bin/python" ] &&
    cmp -s "$requirements" "$environment/requirements.txt"
}

# Debian has venv without ensurepip until python3-venv is there
has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

install_venv() {
  install='apt-get update && apt-get install -y --no-install-recommends python3-venv'
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say 'Python 3.10 or newer with venv is missing. On Debian and Ubuntu type:'
    say "  sudo sh -c '$install'"
    exit 1
  fi
  say 'installing python3-venv'
  DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
}

is_ready && exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi
is_ready && exit 0

has_venv || install_venv
say 'installing Zope and ZEO'
python3 -m venv --clear "$environment"
# by its module: the path of a script's interpreter has a limit
"$environment/bin/python" -m pip install --disable-pip-version-check --quiet \
  --no-deps --requirement "$requirements" >&2
"$environment/bin/python" -m pip --disable-pip-version-check --quiet check >&2
cp "$requirements" "$environment/requirements.txt"
