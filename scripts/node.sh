# Sourced, with `root` set to the checkout: sets `node` to a Node that can run iEchor (22.15 or newer), and `node_flags`
# to what src/common/node-flags.ts says.
# The one that came with the packages is preferred, since it is the one the tests ran on.
node_flags='--disable-warning=ExperimentalWarning --no-concurrent-recompilation --no-concurrent-sparkplug'
node=
for arch in x64 arm64; do
  candidate=$root/node_modules/node-linux-$arch/bin/node
  if [ -x "$candidate" ]; then node=$candidate; fi
done
if [ -n "${IECHOR_NODE:-}" ]; then node=$IECHOR_NODE; fi
if [ -z "$node" ]; then
  node=$(command -v node || true)
  if [ -z "$node" ] || ! "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 15) ? 0 : 1)'; then
    echo "iechor: no Node.js 22.15 or newer found" >&2
    echo "  hint: run 'npm install' in $root (it brings one), or set IECHOR_NODE to a newer node" >&2
    exit 1
  fi
fi
