#!/bin/sh
# Unpacks keepalived, nginx and Varnish for the tests into .venv/daemons. Debian's
# packages are not installed: that would start servers. Run by `npm test`; says
# nothing when they are there.
set -eu
cd "$(dirname "$0")"

daemons=.venv/daemons
packages="keepalived nginx varnish"
# libraries that they share with other programs
libraries="libnl-3-200 libnl-genl-3-200 libmnl0 libnftnl11 libsnmp40 libsensors5
  libpci3 libwrap0 libperl5.36 libglib2.0-0 libvarnishapi3 libjemalloc2 libedit2 libbsd0 libmd0 libnsl2 libtirpc3"

# the run bit of the wrapper is the last step: what broke off before has none
has_daemons() { [ -x "$daemons/run" ]; }

has_daemons && exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi
has_daemons && exit 0

echo 'prepare-daemons: getting keepalived, nginx and varnish' >&2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
download="apt-get -o APT::Sandbox::User=root download $packages $libraries"
if ! (cd "$folder" && { $download || { apt-get update && $download; }; }) >&2; then
  echo 'prepare-daemons: the packages cannot be had. On Debian and Ubuntu type: sudo apt-get update' >&2
  exit 1
fi
rm -rf "$daemons"
mkdir -p "$daemons"
for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$daemons"; done
lib=$(cd "$daemons" && echo usr/lib/*-linux-gnu)
cat >"$daemons/run" <<RUN
#!/bin/sh
# run PROGRAM ARGUMENT...: one of the programs here, with the libraries here
here=\$(dirname "\$(readlink -f "\$0")")
program=\$1
shift
LD_LIBRARY_PATH="\$here/$lib:\$here/${lib#usr/}:\$here/$lib/varnish" exec "\$here/usr/sbin/\$program" "\$@"
RUN
for program in keepalived nginx varnishd; do
  option=-v
  [ "$program" = varnishd ] && option=-V
  if ! sh "$daemons/run" "$program" "$option" >/dev/null 2>"$folder/errors"; then
    cat "$folder/errors" >&2
    echo "prepare-daemons: this $program does not run here" >&2
    exit 1
  fi
done
chmod +x "$daemons/run"
