#!/bin/sh
# `npm run check`: format, lint, types, import layers and file sizes in one command.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
exec "$node" scripts/check.mjs
