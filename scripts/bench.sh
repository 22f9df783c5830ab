#!/bin/sh
# `npm run bench -- NAME [options]`: see bench/README.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
exec "$node" --disable-warning=ExperimentalWarning bench/bench-main.ts "$@"
