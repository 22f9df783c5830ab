#!/bin/sh
# Makes the documents that are made from tables: docs/compose-support.md and docs/api.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
for script in compose-support api-docs; do
  "$node" --disable-warning=ExperimentalWarning "scripts/$script.ts"
done
