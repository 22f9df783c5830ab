#!/bin/sh
# `npm run chaos -- [options]`: see test/chaos/README.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
exec "$node" --disable-warning=ExperimentalWarning test/chaos/chaos-main.ts "$@"
