#!/bin/sh
# Mutates Compose files and holds the loader to its bounds: `npm run fuzz -- [--seed N] [--rounds N] [--files DIR]`.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
exec "$node" --disable-warning=ExperimentalWarning scripts/fuzz-compose.ts "$@"
