#!/bin/sh
# Unpacks a real Squid for the tests into .venv/squid. Debian's packages are not
# installed: that would start a server. Run by `npm test`; says nothing when it is
# there.
set -eu
cd "$(dirname "$0")"

squid=.venv/squid
packages="squid squid-common squid-langpack libecap3 libltdl7 libnetfilter-conntrack3 libnfnetlink0"

# the run bit of the wrapper is the last step: what broke off before has none
has_squid() { [ -x "$squid/run" ]; }

has_squid && exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi
has_squid && exit 0

echo 'prepare-squid: getting squid' >&2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# the libraries that squid shares with other programs; they start nothing
libraries='libdb5.3 libgssapi-krb5-2 libkrb5-3 libldap-2.5-0 libsasl2-2 libtdb1 libpam0g libgnutls30'
download="apt-get -o APT::Sandbox::User=root download $packages"
if ! (cd "$folder" && { $download || { apt-get update && $download; }; }) >&2; then
  echo 'prepare-squid: squid cannot be had. On Debian and Ubuntu type: sudo apt-get update' >&2
  exit 1
fi
rm -rf "$squid"
mkdir -p "$squid"
for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$squid"; done
lib=$(cd "$squid" && echo usr/lib/*-linux-gnu)
missing() { LD_LIBRARY_PATH="$squid/$lib" ldd "$squid/usr/sbin/squid" | grep -q 'not found'; }
if missing; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $libraries >&2
fi
cat >"$squid/run" <<RUN
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")
LD_LIBRARY_PATH="\$here/$lib" exec "\$here/usr/sbin/squid" "\$@"
RUN
if missing || ! sh "$squid/run" -v >/dev/null; then
  echo 'prepare-squid: this squid does not run here' >&2
  exit 1
fi
chmod +x "$squid/run"
