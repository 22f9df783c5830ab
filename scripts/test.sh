#!/bin/sh
# Runs the checks and the tests this machine can run; with folders or files, those tests alone:
# `scripts/test.sh [folder or file ...] [-- jest options]`.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
folders=
while [ $# -gt 0 ] && [ "$1" != -- ]; do folders="$folders test/$1"; shift; done
[ $# -gt 0 ] && shift
status=0
# What the checks find does not keep the tests from running; both count.
if [ -z "$folders" ] && [ $# = 0 ]; then sh scripts/check.sh || status=1; fi
"$node" --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js $folders "$@" || status=1
exit $status
