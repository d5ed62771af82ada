#!/usr/bin/env bash
# Makes sure of the programs that judge the HTTP interface from outside: a validator of OpenAPI
# documents and a fuzzer of contracts. Silent when they are there; says one line when it cannot,
# and then their tests are skipped visibly.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=(schemathesis==4.32.5 openapi-spec-validator==0.9.0)
folder=${CARGO_TARGET_DIR:-target}/schemathesis
done=$folder/installed

[ "$(cat "$done" 2>/dev/null)" = "${wanted[*]}" ] && exit 0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
rm -rf "$folder"
if python3 -m venv "$folder" >"$log" 2>&1 \
  && "$folder/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}" \
    >>"$log" 2>&1; then
  echo "${wanted[*]}" >"$done"
else
  echo "going without schemathesis: $(tail -n 1 "$log")"
fi
