#!/bin/sh
# Makes the virtual environments with a real Zope and ZEO that test/zope starts, and
# with the other WSGI servers that test/servers starts, and installs HAProxy, which is measured beside us, promtool, which checks the metrics,
# and systemd's tools. Run by `npm test`; says nothing when all is there.
set -eu
cd "$(dirname "$0")"

environments='zope servers'

say() { printf 'prepare-zope: %s\n' "$*" >&2; }

# The copy of the list is the last step: what broke off before has none.
has_environment() {
  [ -x ".venv/$1/bin/python" ] &&
    cmp -s "test/$1/requirements.txt" ".venv/$1/requirements.txt"
}

has_environments() {
  for name in $environments; do has_environment "$name" || return; done
}

# Debian has venv without ensurepip until python3-venv is there
has_venv() {
  has_environments || python3 -c 'import ensurepip, venv' 2>/dev/null
}

# /usr/sbin is not in everybody's PATH
has_haproxy() { [ -x /usr/sbin/haproxy ] || command -v haproxy >/dev/null; }

# checks the units in examples/; the package starts nothing by itself
has_systemd() { command -v systemd-analyze >/dev/null; }

promtool=.venv/promtool
has_promtool() { [ -x "$promtool" ] || command -v promtool >/dev/null; }

has_programs() { has_venv && has_haproxy && has_systemd; }

is_ready() { has_environments && has_programs && has_promtool; }

install_programs() {
  has_venv && programs='' || programs='python3-venv'
  has_haproxy || programs="${programs:+$programs }haproxy"
  has_systemd || programs="${programs:+$programs }systemd"
  install="apt-get update && apt-get install -y --no-install-recommends $programs"
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "missing: $programs (Python must be 3.10 or newer). On Debian and Ubuntu type:"
    say "  sudo sh -c '$install'"
    exit 1
  fi
  say "installing $programs"
  DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
}

# Out of Debian's package, which is not installed: it would start a server.
get_promtool() {
  say 'getting promtool'
  mkdir -p .venv
  folder=$(mktemp -d)
  download="apt-get -o APT::Sandbox::User=root download prometheus"
  if ! (cd "$folder" && { $download || { apt-get update && $download; }; }) >&2 ||
    ! dpkg-deb -x "$folder"/prometheus_*.deb "$folder" ||
    ! [ -x "$folder/usr/bin/promtool" ]; then
    rm -rf "$folder"
    say 'missing: promtool. On Debian and Ubuntu type, and again what you typed:'
    say '  sudo apt-get update'
    exit 1
  fi
  mv "$folder/usr/bin/promtool" "$promtool"
  rm -rf "$folder"
}

is_ready && exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi
is_ready && exit 0

has_programs || install_programs
has_promtool || get_promtool
for name in $environments; do
  has_environment "$name" && continue
  environment=.venv/$name
  requirements=test/$name/requirements.txt
  say "installing what $requirements names"
  python3 -m venv --clear "$environment"
  # by its module: the path of a script's interpreter has a limit
  "$environment/bin/python" -m pip install --disable-pip-version-check --quiet \
    --no-deps --requirement "$requirements" >&2
  "$environment/bin/python" -m pip --disable-pip-version-check --quiet check >&2
  cp "$requirements" "$environment/requirements.txt"
done
