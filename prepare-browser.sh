#!/bin/sh
# Installs the browser that tests of the status page drive. Run by `npm test`; says
# nothing when it is there.
set -eu
cd "$(dirname "$0")"

has_chromium() { [ -x /usr/bin/chromium ] || command -v chromium >/dev/null; }

has_chromium && exit 0

# as in prepare.sh, and the same lock, for apt-get takes one at a time
exec 9<package.json
if command -v flock >/dev/null; then flock 9; fi
has_chromium && exit 0

install='apt-get update && apt-get install -y --no-install-recommends chromium'
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo 'prepare-browser: chromium is missing. On Debian type:' >&2
  echo "  sudo sh -c '$install'" >&2
  exit 1
fi
echo 'prepare-browser: installing chromium' >&2
DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2
