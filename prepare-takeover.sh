#!/bin/sh
# Installs what test/system/takeover builds its networks from: namespaces, nftables and
# conntrack. Starts no service. Run by `npm test`; says nothing when all is there.
set -eu
cd "$(dirname "$0")"

# /usr/sbin may be missing from PATH
has() { [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] || command -v "$1" >/dev/null; }

# missing PROGRAM PACKAGE …: the packages of those programs that are not there
missing() {
  while [ $# -gt 0 ]; do
    has "$1" || printf '%s ' "$2"
    shift 2
  done
}

packages() { missing ip iproute2 nft nftables conntrack conntrack; }

[ -n "$(packages)" ] || exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi
wanted=$(packages)
[ -n "$wanted" ] || exit 0

install="apt-get update && apt-get install -y --no-install-recommends $wanted"
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "prepare-takeover: missing: $wanted. On Debian and Ubuntu type:" >&2
  echo "  sudo sh -c '$install'" >&2
  exit 1
fi
echo "prepare-takeover: installing $wanted" >&2
DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
