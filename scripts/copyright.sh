#!/usr/bin/env bash
# Writes the copyright file of the Debian package (copyright-format 1.0): what is linked into its two programs and into the page
# that one of them shows, under which licence, and where its source is; and beside it the notices that these licences want to go with a
# program, as the crates have them. The list is cargo's own, of what this workspace's lock file names.
#
#   scripts/copyright.sh COPYRIGHT NOTICES
set -euo pipefail
cd "$(dirname "$0")/.."
copyright=$1 notices=$2
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src

exec >"$copyright"
: >"$notices"
cat <<'END'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: dbseal
Comment: The programs of this package are linked from dbseal and from the Rust crates below, each unchanged. The source of each is
 in the public registry of Rust crates, for everybody, under its name and version; in the sources of dbseal, cargo fetch gets all of them.

Files: *
Copyright: the authors of dbseal
License: unstated
 The authors of dbseal have stated no licence yet.
END

# What builds them and is not in them stays out, but for macros, whose output is: cargo counts these as ordinary dependencies.
host=$(rustc -vV | sed -n 's/^host: //p')
for part in "dbseal $host" "dbseal-desktop $host" "dbseal-web wasm32-unknown-unknown"; do
  read -r package target <<<"$part"
  cargo tree --locked --package "$package" --edges normal --target "$target" --prefix none --format '{p}|{l}'
done | sed 's/ (proc-macro)//; s/ (\*)//' | grep -v '(/' | sort -u | while IFS='|' read -r crate licence; do
  read -r name version <<<"${crate/ v/ }"
  # "A OR B" and the older "A/B" are "A or B" there; the words that lead to an exception are kept.
  licence=$(sed 's/ OR / or /g; s/ AND / and /g; s/ WITH / with /g; s, */ *, or ,g' <<<"$licence")
  for notice in "$registry"/*/"$name-$version"/{LICEN[CS]E,COPYING,COPYRIGHT,NOTICE,UNLICENSE,licen[cs]e}*; do
    [ ! -f "$notice" ] || { printf '\n===== %s %s: %s\n\n' "$name" "$version" "${notice##*/}" && cat "$notice"; } >>"$notices"
  done
  printf '\nFiles: crates/%s-%s/*\nCopyright: its authors, whom its source and notices.gz name\nLicense: %s\n' "$name" "$version" "$licence"
done

cat <<'END'

License: MPL-2.0
 This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. A copy of it is in the file
 /usr/share/common-licenses/MPL-2.0 of a Debian system, and at https://mozilla.org/MPL/2.0/.
END
