#!/bin/sh
# Makes the documents that are made from tables: docs/compose-support.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
exec "$node" --disable-warning=ExperimentalWarning scripts/compose-support.ts
