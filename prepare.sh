#!/bin/sh
# Makes this checkout ready: npm's packages, the build, httpd, ss. Run by
# `npm start`, `npm test` and `npm run bench`; says nothing when all is there.
set -eu
cd "$(dirname "$0")"

say() { printf 'prepare: %s\n' "$*" >&2; }

has_packages() {
  [ -e node_modules/.package-lock.json ] &&
    [ -z "$(find package-lock.json -newer node_modules/.package-lock.json)" ]
}

# The run bit is the build's last step: a build that broke off has none. Folders
# count as well as files, because removing a source changes only its folder.
has_build() {
  [ -x dist/cli/main.js ] &&
    [ -z "$(find package.json tsconfig.json tsconfig.build.json \
      apache-conf bench check choice cli cluster config demo follow haproxy health lab \
      monitor observer operate page probes rewritemap sentinels squid status system text \
      -newer dist/cli/main.js | head -n 1)" ]
}

# /usr/sbin is not in every user's PATH
has_httpd() { [ -x /usr/sbin/apache2 ] || command -v apache2 >/dev/null; }

# closes connections (probe.dropConnections)
has_ss() { [ -x /usr/bin/ss ] || [ -x /bin/ss ] || command -v ss >/dev/null; }

has_programs() { has_httpd && has_ss; }

is_ready() { has_packages && has_build && has_programs; }

install_programs() {
  has_httpd && programs='' || programs='apache2-bin'
  has_ss || programs="${programs:+$programs }iproute2"
  install="apt-get update && apt-get install -y --no-install-recommends $programs"
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "these Debian packages are missing: $programs. On Debian and Ubuntu type:"
    say "  sudo sh -c '$install'"
    exit 1
  fi
  say "installing $programs"
  DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
}

is_ready && exit 0

# Two runs that start together must not both empty node_modules or dist. The
# lock needs no separate file, and goes with the last process that holds it.
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi

has_programs || install_programs
if ! has_packages; then
  say "installing npm's packages"
  npm ci --include=dev >&2
fi
if ! has_build; then
  say 'building'
  npm run --silent build >&2
fi
