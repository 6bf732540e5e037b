#!/bin/sh
# Gets the daemons that tests and the demonstration of Squid start:
#   sh prepare-daemons.sh [PART]…
# network   iproute2, nftables, conntrack: what test/takeover builds its networks from
# squid     a real Squid, unpacked into .venv/squid
# daemons   keepalived, nginx and Varnish, unpacked into .venv/daemons
# etcd      etcd and etcdctl, unpacked into .venv/etcd
# All parts by default. Daemons are unpacked and not installed, for Debian would start
# them. Run by `npm test`; says nothing when all is there.
set -eu
cd "$(dirname "$0")"

say() { printf 'prepare-daemons: %s\n' "$*" >&2; }

# /usr/sbin may be missing from PATH
has() { [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] || command -v "$1" >/dev/null; }

# missing PROGRAM PACKAGE …: the packages of those programs that are not there
missing() {
  while [ $# -gt 0 ]; do
    has "$1" || printf '%s ' "$2"
    shift 2
  done
}

network_packages() { missing ip iproute2 nft nftables conntrack conntrack; }

is_ready() {
  case $1 in
    network) [ -z "$(network_packages)" ] ;;
    # the run bit of the wrapper is the last step: what broke off before has none
    squid | daemons | etcd) [ -x ".venv/$1/run" ] ;;
    *)
      say "PART must be network, squid, daemons or etcd, got $1"
      exit 2
      ;;
  esac
}

are_ready() {
  for part; do is_ready "$part" || return 1; done
}

# install PACKAGE …
install() {
  command="apt-get update && apt-get install -y --no-install-recommends $*"
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "missing: $*. On Debian and Ubuntu type:"
    say "  sudo sh -c '$command'"
    exit 1
  fi
  say "installing $*"
  DEBIAN_FRONTEND=noninteractive sh -c "$command" >&2
}

# unpack PART CHOICE PACKAGE …: into .venv/PART, with a wrapper `run` that gives its
# programs its libraries, and has no run bit yet. CHOICE: a line that sets $program
unpack() {
  root=.venv/$1
  choice=$2
  shift 2
  download="apt-get -o APT::Sandbox::User=root download $*"
  if ! (cd "$folder" && { $download || { apt-get update && $download; }; }) >&2; then
    say 'the packages cannot be had. On Debian and Ubuntu type: sudo apt-get update'
    exit 1
  fi
  rm -rf "$root"
  mkdir -p "$root"
  for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$root"; done
  rm "$folder"/*.deb
  lib=$(cd "$root" && echo usr/lib/*-linux-gnu)
  cat >"$root/run" <<RUN
#!/bin/sh
# runs a program of this folder, with the libraries here
here=\$(dirname "\$(readlink -f "\$0")")
$choice
[ -x "\$here/usr/sbin/\$program" ] && program=sbin/\$program || program=bin/\$program
LD_LIBRARY_PATH="\$here/$lib:\$here/${lib#usr/}:\$here/$lib/varnish" exec "\$here/usr/\$program" "\$@"
RUN
}

# runs WORD …: what was unpacked runs with these arguments
runs() {
  sh "$root/run" "$@" >/dev/null 2>"$folder/errors" && return
  cat "$folder/errors" >&2
  say "this does not run here: $root/run $*"
  exit 1
}

prepare_network() {
  # shellcheck disable=SC2046
  install $(network_packages)
}

prepare_squid() {
  say 'getting squid'
  unpack squid 'program=squid' squid squid-common squid-langpack libecap3 libltdl7 \
    libnetfilter-conntrack3 libnfnetlink0
  # libraries that it shares with other programs; they start nothing
  if LD_LIBRARY_PATH="$root/$lib" ldd "$root/usr/sbin/squid" | grep -q 'not found'; then
    install libdb5.3 libgssapi-krb5-2 libkrb5-3 libldap-2.5-0 libsasl2-2 libtdb1 \
      libpam0g libgnutls30
  fi
  runs -v
  chmod +x "$root/run"
}

prepare_daemons() {
  say 'getting keepalived, nginx and varnish'
  # and libraries that they share with other programs
  unpack daemons 'program=$1; shift' keepalived nginx varnish libnl-3-200 libnl-genl-3-200 libmnl0 \
    libnftnl11 libsnmp40 libsensors5 libpci3 libwrap0 libperl5.36 libglib2.0-0 \
    libvarnishapi3 libjemalloc2 libedit2 libbsd0 libmd0 libnsl2 libtirpc3
  runs keepalived -v
  runs nginx -v
  runs varnishd -V
  chmod +x "$root/run"
}

prepare_etcd() {
  say 'getting etcd'
  unpack etcd 'program=$1; shift' etcd-server etcd-client
  runs etcd --version
  runs etcdctl version
  chmod +x "$root/run"
}

[ $# -gt 0 ] || set -- network squid daemons etcd
are_ready "$@" && exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for part; do is_ready "$part" || "prepare_$part"; done
