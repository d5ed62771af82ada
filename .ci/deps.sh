#!/usr/bin/env bash
# Makes sure that the programs which building and testing need are there: silent when they are,
# installs PostgreSQL where it may, and otherwise says in one line what is missing.
set -euo pipefail

packages=(postgresql postgresql-contrib postgresql-client)

have_server() {
  local dir
  for dir in "${LEVADA_TEST_PG:-}" /usr/lib/postgresql/*/bin; do
    [ -n "$dir" ] && [ -x "$dir/initdb" ] && return
  done
  command -v initdb >/dev/null
}

have_client() {
  command -v psql >/dev/null && command -v pg_dump >/dev/null
}

give_up() {
  echo "$1" >&2
  exit 1
}

command -v cargo >/dev/null || give_up "missing: Rust 1.88 or newer with cargo"
command -v cc >/dev/null || give_up "missing: a C compiler: apt-get install gcc libc6-dev"
if have_server && have_client; then
  exit 0
fi

missing="missing: PostgreSQL 14 or newer, server and client: apt-get install ${packages[*]}"
command -v apt-get >/dev/null || give_up "$missing"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || give_up "$missing"
  as_root=(sudo -n)
fi
echo "installing ${packages[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get)
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${packages[@]}"; } \
  >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  give_up "$missing"
fi
