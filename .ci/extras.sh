#!/usr/bin/env bash
# Installs what some tests and benchmarks use where it is there, and do without elsewhere.
set -euo pipefail

for program in pgbouncer pgcopydb; do
  command -v "$program" >/dev/null && continue
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$program" \
      >/dev/null 2>&1 </dev/null; then
    echo "installed $program"
  else
    echo "going without $program: what needs it is skipped"
  fi
done
