#!/bin/sh
# Builds zope-failover_VERSION-1_all.deb in the folder that is the first argument (this
# one without). Run by `npm run package:deb`; needs dpkg-deb and the build (prepare.sh).
set -eu
cd "$(dirname "$0")/.."
target=${1:-$PWD}

version=$(node -p 'require("./package.json").version')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
lib=$tree/usr/lib/zope-failover doc=$tree/usr/share/doc/zope-failover

put() { install -D -m 644 "$1" "$2"; }

# what `npm pack` ships, with the libraries that run it
npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
mkdir -p "$lib"
tar -xzf "$work/zope-failover-$version.tgz" -C "$lib" --strip-components=1
cp package-lock.json "$lib/"
npm ci --silent --omit=dev --ignore-scripts --no-audit --no-fund --prefix "$lib" >&2
rm -rf "$lib/package-lock.json" "$lib/node_modules/.package-lock.json" \
  "$lib/node_modules/.bin"
# what their authors need and no program reads
find "$lib/node_modules" -depth \( -name '.*' -o -name test -o -name '*.html' \
  -o -name '*.sh' -o -name '*.ts' -o -name '*.map' \) -exec rm -rf {} +

mkdir -p "$tree/usr/bin" "$tree/usr/share/man/man1" "$doc"
ln -s ../lib/zope-failover/dist/cli/main.js "$tree/usr/bin/zope-failover"
gzip -9nc "$lib/dist/man/zope-failover.1" >"$tree/usr/share/man/man1/zope-failover.1.gz"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
gzip -9nc >"$doc/changelog.Debian.gz" <<END
zope-failover ($version-1) unstable; urgency=medium

  * See changelog.gz.

 -- The zope-failover developers <zope-failover@example.org>  $(date -R -r CHANGELOG.md)
END
put packaging/deb/copyright "$doc/copyright"
mv "$lib/docs" "$lib/examples" "$doc/"
rm -rf "$lib/dist/man" "$lib/CHANGELOG.md" "$lib/LICENSE"

put examples/systemd/zope-failover.tmpfiles.conf \
  "$tree/usr/lib/tmpfiles.d/zope-failover.conf"
put packaging/deb/apache.conf \
  "$tree/etc/apache2/conf-available/zope-failover-server.conf"
mkdir -p "$tree/lib/systemd/system"
sed -e 's|/usr/bin/env zope-failover|/usr/bin/zope-failover|' \
  -e '/^\[Service\]$/i ConditionPathExists=/etc/zope-failover.yaml\n' \
  examples/systemd/zope-failover-monitor.service \
  >"$tree/lib/systemd/system/zope-failover-monitor.service"

# what is executed by its path, and nothing else
find "$tree" -type f -exec chmod 644 {} +
find "$tree" -type d -exec chmod 755 {} +
for program in cli/main.js rewritemap/launch.sh squid/keep.sh; do
  chmod 755 "$lib/dist/$program"
done

mkdir "$tree/DEBIAN"
size=$(du -sk --apparent-size "$tree" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@SIZE@/$size/" packaging/deb/control \
  >"$tree/DEBIAN/control"
echo /etc/apache2/conf-available/zope-failover-server.conf >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 755 "packaging/deb/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum) \
  >"$work/md5sums"
install -m 644 "$work/md5sums" "$tree/DEBIAN/md5sums"

mkdir -p "$target"
dpkg-deb --root-owner-group --build "$tree" "$target" >&2
