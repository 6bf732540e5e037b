#!/bin/sh
# Makes the virtual environments with a real Zope and ZEO that test/system/zope starts, and
# with the other WSGI servers that test/system/servers starts. Gets HAProxy and nginx, which
# are measured too, promtool, which checks the metrics, and systemd's tools. Starts
# no service. Run by `npm test`; says nothing when all is there.
set -eu
cd "$(dirname "$0")"

environments='zope servers'

say() { printf 'prepare-zope: %s\n' "$*" >&2; }

# The copy of the list is the last step: what broke off before has none.
has_environment() {
  [ -x ".venv/$1/bin/python" ] &&
    cmp -s "test/system/$1/requirements.txt" ".venv/$1/requirements.txt"
}

has_environments() {
  for name in $environments; do has_environment "$name" || return; done
}

# Debian has venv without ensurepip until python3-venv is there
has_venv() {
  has_environments || python3 -c 'import ensurepip, venv' 2>/dev/null
}

# /usr/sbin is not in every user's PATH
has_haproxy() { [ -x /usr/sbin/haproxy ] || command -v haproxy >/dev/null; }

# checks the units in examples/; the package starts nothing by itself
has_systemd() { command -v systemd-analyze >/dev/null; }

has_promtool() { [ -x .venv/promtool ] || command -v promtool >/dev/null; }

has_nginx() { [ -x .venv/nginx ] || [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null; }

has_programs() { has_venv && has_haproxy && has_systemd; }

is_ready() {
  has_environments && has_programs && has_promtool && has_nginx
}

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
  # Debian starts a service that it installs, unless this script says no
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
    return
  fi
  (
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
  )
}

# Out of Debian's package, which is not installed: it would start a server.
# unpack PACKAGE FILE: that file of the package, into .venv
unpack() {
  name=${2##*/}
  say "getting $name"
  mkdir -p .venv
  folder=$(mktemp -d)
  download="apt-get -o APT::Sandbox::User=root download $1"
  if ! (cd "$folder" && { $download || { apt-get update && $download; }; }) >&2 ||
    ! dpkg-deb -x "$folder/$1"_*.deb "$folder" ||
    ! [ -x "$folder/$2" ]; then
    rm -rf "$folder"
    say "missing: $name. On Debian and Ubuntu type, and again what you typed:"
    say '  sudo apt-get update'
    exit 1
  fi
  mv "$folder/$2" ".venv/$name"
  rm -rf "$folder"
}

is_ready && exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi
is_ready && exit 0

has_programs || install_programs
has_promtool || unpack prometheus usr/bin/promtool
has_nginx || unpack nginx usr/sbin/nginx
for name in $environments; do
  has_environment "$name" && continue
  environment=.venv/$name
  requirements=test/system/$name/requirements.txt
  say "installing what $requirements names"
  python3 -m venv --clear "$environment"
  # by its module: the path of a script's interpreter has a limit
  "$environment/bin/python" -m pip install --disable-pip-version-check --quiet \
    --no-deps --requirement "$requirements" >&2
  "$environment/bin/python" -m pip --disable-pip-version-check --quiet check >&2
  cp "$requirements" "$environment/requirements.txt"
done
