#!/usr/bin/env bash
# Makes sure of what the tests of pages use: Debian's Chromium, and playwright-core with axe-core
# in the folder `browser` of the build. Silent when all is there. Where it cannot be had it says
# so in one line and succeeds: those tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(playwright-core@1.64.1 axe-core@4.14.1)
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")/browser

give_up() {
  echo "no browser, so that pages are not tested in one: $1"
  exit 0
}

have_packages() {
  local package
  for package in "${packages[@]}"; do
    grep -qs "\"version\": \"${package##*@}\"" \
      "$folder/node_modules/${package%@*}/package.json" || return 1
  done
}

install_chromium() {
  local as_root=()
  command -v apt-get >/dev/null || give_up "Chromium is missing"
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || give_up "Chromium is missing: apt-get install chromium"
    as_root=(sudo -n)
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get)
  { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends chromium; } \
    >/dev/null 2>&1 </dev/null || give_up "apt-get cannot install chromium"
}

command -v node >/dev/null || give_up "Node.js is missing"
command -v chromium >/dev/null || install_chromium
have_packages && exit 0
command -v npm >/dev/null || give_up "npm is missing"
mkdir -p "$folder"
npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts "${packages[@]}" \
  >/dev/null 2>&1 </dev/null || give_up "npm cannot install ${packages[*]}"
