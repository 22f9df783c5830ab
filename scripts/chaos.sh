#!/bin/sh
# `npm run chaos -- [options]`, `npm run chaos:transfers`, `npm run chaos:builds`: see test/chaos/README.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
main=chaos-main.ts
case "${1-}" in
  --transfers | --builds)
    main=${1#--}-main.ts
    shift
    ;;
esac
exec "$node" --disable-warning=ExperimentalWarning "test/chaos/$main" "$@"
