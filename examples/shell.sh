# What the shell examples share: the deployment in variables, Foundry's tools from npm, and a check.

: "${MEZZ_DEPLOYMENT:=$PWD/../.mezz/deployment.json}"
if [ ! -r "$MEZZ_DEPLOYMENT" ]; then
  echo "no deployment at $MEZZ_DEPLOYMENT: start a chain with \`mezz up\`, or set MEZZ_DEPLOYMENT" >&2
  exit 2
fi
read_deployment() { node -p "JSON.parse(require('node:fs').readFileSync(process.argv[1])).$1" "$MEZZ_DEPLOYMENT"; }

L2=$(read_deployment l2.rpc)
L2_ID=$(read_deployment l2.chainId)
ACCOUNT=$(read_deployment 'accounts[0].address')
KEY=$(read_deployment 'accounts[0].privateKey')

case "$(uname -m)" in
  x86_64) arch=amd64 ;;
  *) arch=arm64 ;;
esac
tools="$PWD/node_modules/@foundry-rs"
system=$(uname -s | tr '[:upper:]' '[:lower:]')
PATH="$tools/cast-$system-$arch/bin:$tools/forge-$system-$arch/bin:$PATH"
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1

say() { echo "  $*"; }

# expect ACTUAL EXPECTED
expect() {
  if [ "$1" != "$2" ]; then
    echo "line ${BASH_LINENO[0]}: expected '$2', got '$1'" >&2
    exit 1
  fi
}
