#!/bin/sh
# Brings what iEchor needs: npm packages, the bundles, and (as root, on Debian) the programs its engine drives.
# Everything that is installed is named first. Safe to repeat: what is there already is left alone.
#   --for-tests   also what the tests use; never fails for a machine that cannot run containers
#   --record FILE writes the names of the Debian packages it installed
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

runtime_packages="crun conmon nftables iproute2 mmdebstrap tini"
test_packages="busybox-static runc docker-registry curl openssl python3-docker"
for_tests=
record=
while [ $# -gt 0 ]; do
  case $1 in
    --for-tests) for_tests=yes ;;
    --record) record=$2; shift ;;
    *) echo "setup: unknown option $1" >&2; exit 1 ;;
  esac
  shift
done

say() { echo "setup: $*" >&2; }

install_npm_packages() {
  if [ node_modules/.package-lock.json -nt package-lock.json ]; then return; fi
  say "installing npm packages (node_modules, with the Node.js that iEchor runs on)"
  # The lock file's versions, without rewriting it where a registry has more or fewer packages of other platforms.
  npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
}

build_bundles() {
  . scripts/node.sh
  # The start's snapshot is of one Node: another one, and it is made again.
  if [ ! -e dist/compose.node ] || [ dist/compose.node -ef "$node" ]; then
    if [ -f dist/iechor-main.js ] && [ -z "$(find src scripts/build*.mjs package-lock.json -newer dist/iechor-main.js -print -quit)" ]; then return; fi
  fi
  say "building (dist)"
  "$node" scripts/build.mjs
}

missing_debian_packages() {
  for package in $runtime_packages ${for_tests:+$test_packages}; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' || printf '%s ' "$package"
  done
}

install_debian_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "not Debian: install the counterparts of $runtime_packages yourself ('iechor doctor' says what is missing)"
    return
  fi
  missing=$(missing_debian_packages)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "not root: cannot install the Debian packages $missing"
    return
  fi
  say "installing Debian packages: $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
  if [ -n "$record" ]; then mkdir -p "$(dirname "$record")" && echo "$missing" >>"$record"; fi
}

install_npm_packages
build_bundles
if [ -n "$for_tests" ]; then
  install_debian_packages || say "Debian packages could not be installed: tests that need them will be skipped"
else
  install_debian_packages
fi
