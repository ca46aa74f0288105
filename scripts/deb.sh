#!/usr/bin/env bash
# Builds the Debian package of the command and the desktop app, from what cargo has built: `./x desktop` calls it.
#
#   scripts/deb.sh DBSEAL DBSEAL-DESKTOP DOCS OUTPUT.deb
set -euo pipefail
cd "$(dirname "$0")/.."
command=$1 desktop=$2 docs=$3 output=$4

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# The last commit's, so that the same sources make the same package.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

put() { install -D -m "$1" "$2" "$root/$3"; }
put 755 "$command" usr/bin/dbseal
put 755 "$desktop" usr/bin/dbseal-desktop
put 644 desktop/dbseal.desktop usr/share/applications/dbseal.desktop
put 644 desktop/mime.xml usr/share/mime/packages/dbseal.xml
put 644 desktop/icons/dbseal.svg usr/share/icons/hicolor/scalable/apps/dbseal.svg
put 644 desktop/icons/128.png usr/share/icons/hicolor/128x128/apps/dbseal.png
put 644 desktop/icons/file.svg usr/share/icons/hicolor/scalable/mimetypes/dbseal-backup.svg
put 644 README.md usr/share/doc/dbseal/README.md
put 644 SECURITY.md usr/share/doc/dbseal/SECURITY.md
put 644 "$docs/copyright" usr/share/doc/dbseal/copyright
put 644 "$docs/notices" usr/share/doc/dbseal/notices
put 644 CHANGELOG.md usr/share/doc/dbseal/changelog
gzip -9n "$root/usr/share/doc/dbseal/changelog" "$root/usr/share/doc/dbseal/notices"
for page in "$docs"/man1/*.1; do
  put 644 "$page" "usr/share/man/man1/$(basename "$page")"
done
put 644 desktop/dbseal-desktop.1 usr/share/man/man1/dbseal-desktop.1
gzip -9n "$root"/usr/share/man/man1/*.1
put 644 "$docs/completions/dbseal.bash" usr/share/bash-completion/completions/dbseal

# In which versions it was linked: an older system cannot run it, and should say so when it is installed.
mkdir "$root/debian"
: >"$root/debian/control"
depends=$(cd "$root" && dpkg-shlibdeps -O usr/bin/dbseal usr/bin/dbseal-desktop)
rm -r "$root/debian"

install -d -m 755 "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: dbseal
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: the authors of dbseal <dbseal@localhost>
Section: admin
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
Depends: ${depends#shlibs:Depends=}
Description: sealed database backups: the command and the desktop app
 Encrypts database backups with public keys only, at the speed of all cores,
 as plain age files; checks them without any key; opens them offline.
END
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$(dirname "$output")"
dpkg-deb --root-owner-group --build "$root" "$output"
