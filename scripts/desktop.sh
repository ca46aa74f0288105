#!/usr/bin/env bash
# Builds the desktop app around a page that was built, and the Debian package of it and the command.
#
#   scripts/desktop.sh PROFILE PAGE-FOLDER OUTPUT.deb
set -euo pipefail
cd "$(dirname "$0")/.."
profile=$1 page=$(realpath "$2") output=$3

cargo build --locked --quiet --release -p dbseal
cargo run --locked --quiet -p dbseal --example docs -- target/docs >/dev/null
scripts/copyright.sh target/docs/copyright target/docs/notices
DBSEAL_PAGE=$page cargo build --locked --quiet --profile "$profile" -p dbseal-desktop
target=${CARGO_TARGET_DIR:-target}
scripts/deb.sh "$target/release/dbseal" "$target/$profile/dbseal-desktop" target/docs "$output"
