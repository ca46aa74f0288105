#!/usr/bin/env bash
# Installs what a command of ./x needs, and only what is missing. Nothing is installed unannounced: each package is named with its
# reason and the exact command before it runs. Sources: this system's own apt packages; by name and version, the cargo, npm and Python
# registries (into $DBSEAL_TOOLS); rustup's components of the toolchain in use. Nothing else is downloaded.
#
#   scripts/setup.sh build|check|demo|bench|bench-web|bench-desktop|desktop|test|web
set -euo pipefail
cd "$(dirname "$0")/.."
goal=$1
tools=$(realpath -m "${DBSEAL_TOOLS:-target/tools}")
log=target/setup.log
mkdir -p target
PATH="$tools/bin:$tools/quick/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf 'set-up: %s\n' "$*"; }
fail() { printf 'set-up: %s\n' "$*" >&2; exit 1; }
run() { printf 'set-up: $ %s\n' "$*"; "$@"; }
has() { command -v "$1" >/dev/null; }

# --- What is there already ---------------------------------------------------------------------------------------------------

can_compile_c() { has cc && echo 'int main(void) { return 0; }' | cc -x c - -o /dev/null 2>/dev/null; }
can_compile_cpp() { has c++ && echo '#include <vector>' | c++ -x c++ -c - -o /dev/null 2>/dev/null; }
has_certificates() { [ -s "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" ]; }
has_postgres() { [ -n "$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null)" ]; }
has_mariadb() { has mariadbd && has mariadb-install-db && has mariadb-dump; }
has_chromium() { has chromium && has chromedriver; }
has_webkit() { has WebKitWebDriver && has xvfb-run && has xauth; }
has_keyboard() { has xdotool && has dbus-run-session; }
can_run_arm() { [ "$(uname -m)" = aarch64 ] || { has qemu-aarch64 && has aarch64-linux-gnu-gcc; }; }
has_glib_tools() { has gio && has gdbus; }
has_screen_reader() { [ -x /usr/libexec/at-spi-bus-launcher ]; }
has_file_types() { has update-mime-database && has update-desktop-database; }
has_disks() { has losetup && has mount && has mkfs.ext4; }
has_packager() { has dpkg-deb && has dpkg-shlibdeps; }
has_window_libraries() { has pkg-config && pkg-config --exists webkit2gtk-4.1 gtk+-3.0 librsvg-2.0; }
has_venv() { /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null; }
has_gnu_time() { [ -x /usr/bin/time ]; }

# --- System packages ---------------------------------------------------------------------------------------------------------

packages=()
need() { # need PACKAGES REASON CHECK...: remembers the packages unless the check succeeds
  local names=$1 reason=$2
  shift 2
  "$@" && return
  say "missing: $names ($reason)"
  read -ra names <<<"$names"
  packages+=("${names[@]}")
}

as_root() { # announces and runs one command as root; its output is shown if it fails
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  say "\$ ${sudo[*]:+sudo }$*"
  "${sudo[@]}" "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "this failed: $*"; }
}

install_packages() {
  [ ${#packages[@]} -gt 0 ] || return 0
  has apt-get || fail "there is no apt-get here; please install what these Debian packages hold: ${packages[*]}"
  [ "$(id -u)" -eq 0 ] || has sudo || fail "neither root nor sudo; please have these packages installed: ${packages[*]}"

  # A new machine has no package lists; old lists name versions that are gone.
  local install=(apt-get install --no-install-recommends)
  if ! "${install[@]}" --simulate "${packages[@]}" >/dev/null 2>&1 || [ -z "$(find /var/lib/apt/lists -name '*Packages*' -mtime -7 \
    -print -quit 2>/dev/null)" ]; then
    as_root apt-get update
  fi
  # MariaDB's server takes the place of MySQL's, and a second Rust that of the first.
  local removed
  removed=$("${install[@]}" --simulate "${packages[@]}" 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ') || true
  [ -z "$removed" ] || fail "this would remove ${removed% }; if you want that, run: apt-get install ${packages[*]}"

  local no_cluster=/etc/postgresql-common/createcluster.d/dbseal-setup.conf new_service='' installed=yes
  if [[ " ${packages[*]} " == *" postgresql "* ]]; then
    say "no PostgreSQL cluster will be made: the tests start their own servers"
    echo "create_main_cluster = false" >target/no-cluster.conf
    as_root install -D -m 644 target/no-cluster.conf "$no_cluster"
  fi
  if [[ " ${packages[*]} " == *" mariadb-server "* && -d /run/systemd/system ]]; then
    systemctl cat mariadb.service >/dev/null 2>&1 || new_service=yes
  fi
  # needrestart, part of Ubuntu, would restart services of this machine.
  (as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l "${install[@]}" -y --no-remove "${packages[@]}") || installed=
  [ ! -e "$no_cluster" ] || as_root rm "$no_cluster"
  [ -n "$installed" ] || exit 1
  if [ -n "$new_service" ]; then
    say "Debian starts a new MariaDB service; switched off again, the tests start their own servers"
    as_root systemctl disable --now mariadb.service
  fi
}

# --- Tools from registries, in $DBSEAL_TOOLS ---------------------------------------------------------------------------------

has_version() { # has_version PROGRAM NAME VERSION; of what it says the first line: some add a licence
  local version
  version=$("$1" --version 2>/dev/null) || true
  [ "${version%%$'\n'*}" = "$2 $3" ]
}

cargo_tool() { # cargo_tool NAME VERSION REASON
  has_version "$tools/bin/$1" "$1" "$2" && return
  say "missing: $1 $2 ($3), takes some minutes"
  run cargo install --quiet --locked --root "$tools" "$1@$2"
}

# Where speed does not matter: optimised at this level alone, in a third of the time, and in a folder of its own, so that nobody measures it.
# What several depend on is compiled once.
quick_tool() { # quick_tool LEVEL NAME VERSION REASON
  if has_version "$tools/bin/$2" "$2" "$3" || has_version "$tools/quick/bin/$2" "$2" "$3"; then return; fi
  say "missing: $2 $3 ($4), takes a minute or two"
  run env CARGO_TARGET_DIR="$tools/quick/build" CARGO_PROFILE_RELEASE_OPT_LEVEL="$1" CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo install --quiet --locked --root "$tools/quick" "$2@$3"
}

# Asked before some hundred packages are installed for a node that is of no use, and again of the one that is there then.
node_is_new() {
  local version
  if has node; then
    version=$(node --version)
  else
    version=$(apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p') || true
  fi
  version=${version#v}
  [ -z "$version" ] || printf '18\n%s\n' "${version%%[+~-]*}" | sort -VC ||
    fail "node $version is too old, as Ubuntu 22.04 has it; please install node 18 or newer (https://nodejs.org)"
}

# Ubuntu has its browsers as snaps, which see neither temporary folders nor the files that a test hands them.
debian_has_browsers() {
  has_chromium && has firefox-esr && return
  grep -qs '^ID=ubuntu' /etc/os-release || return 0
  fail "Ubuntu has browsers only as snaps, which cannot be tested with; please put chromium, chromedriver (of the same version) and" \
    "firefox-esr into PATH, for example from https://googlechromelabs.github.io/chrome-for-testing and https://www.mozilla.org"
}

npm_packages() { # npm_packages REASON NAME@VERSION...
  local reason=$1 spec missing=() manifest
  shift
  for spec; do
    manifest="$tools/npm/node_modules/${spec%@*}/package.json"
    grep -qs "\"version\": \"${spec##*@}\"" "$manifest" || missing+=("$spec")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "missing: ${missing[*]} ($reason)"
  mkdir -p "$tools/npm"
  run npm install --prefix "$tools/npm" --loglevel=error --ignore-scripts --no-audit --no-fund --save-exact "${missing[@]}"
}

moto() {
  local version
  version=$("$tools/moto/bin/python" -c 'import moto; print(moto.__version__)' 2>/dev/null) || true
  [ "$version" = "$1" ] && return
  say "missing: moto $1 (plays a key management service for a test)"
  run /usr/bin/python3 -m venv --clear "$tools/moto"
  run "$tools/moto/bin/pip" install --quiet --disable-pip-version-check "moto[kms]==$1" flask==3.1.3 flask-cors==6.0.5
}

# --- Rust --------------------------------------------------------------------------------------------------------------------

rust() {
  has cargo || fail "cargo is missing; please install Rust 1.89 or newer with rustup (https://rustup.rs)"
  local version
  version=$(cargo --version | cut -d' ' -f2)
  printf '1.89.0\n%s\n' "$version" | sort -VC && return
  has rustup && fail "cargo $version is too old; please run: rustup update stable"
  fail "cargo $version is too old; please install Rust 1.89 or newer with rustup (https://rustup.rs)"
}

rust_components() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
  say "missing: rustfmt clippy (part of ./x check)"
  run rustup component add rustfmt clippy || fail "rustfmt and clippy could not be had; ./x check cannot run without them"
}

# The core promises to build without std, and for the browser; the kernel is tested for 64-bit Arm too. All of them have their standard
# library built from its source: what runs in a browser with threads is in nobody's compiled one.
rust_targets() {
  [ ! -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.toml" ] || return 0
  debians_rust && return
  say "missing: the source of Rust's library (it is built for the browser, for microcontrollers and for 64-bit Arm)"
  has rustup && run timeout 120 rustup component add rust-src && return 0
  say "rustup could not fetch it; trying the system's packages"
  if apt-cache show rustc-web cargo-web rust-web-src >/dev/null 2>&1; then
    packages=()
    need "rustc-web cargo-web rust-web-src lld" "a compiler with its library's source, and a linker" debians_rust
    (install_packages) || true
  fi
  debians_rust || say "none of 1.89 or newer to be had: nothing can be built for these targets"
}

debians_rust() {
  [ -e /usr/lib/rustlib/src/rust/library/Cargo.toml ] && has wasm-ld &&
    printf 'rustc 1.89\n%s\n' "$(/usr/bin/rustc --version)" | sort -VC
}

# --- Goals -------------------------------------------------------------------------------------------------------------------

base() {
  rust
  need "gcc libc6-dev" "a C compiler, to build zstd" can_compile_c
  need ca-certificates "so that cargo can tell who it talks to" has_certificates
}

for_demo() {
  has_mariadb || has_postgres || need sqlite3 "a database for the demo" has sqlite3
}

for_bench() {
  need age "the age command, to compare with" has age
  need gnupg "the gpg command, to compare with" has gpg
  need openssl "to compare with" has openssl
  need time "GNU time, measures memory" has_gnu_time
}

for_test() {
  for_bench
  need zstd "decompresses what dbseal compressed, and the other way round" has zstd
  [ ! -d tests/fuzz ] || need g++ "a C++ compiler, for the fuzzer's runtime" can_compile_cpp
  [ "$(uname -m)" != x86_64 ] || need valgrind "shows whether a branch depends on a secret" has valgrind
  need "qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross" "builds and runs the kernel for 64-bit Arm" can_run_arm
  need strace "shows which system calls were made" has strace
  need util-linux "limits of a process" has prlimit
  need util-linux-extra "shows what of a file is in the page cache" has fincore
  need mariadb-server "a database to back up" has_mariadb
  need mariadb-backup "a physical backup" has mariadb-backup
  need postgresql "a database to back up" has_postgres
  need sqlite3 "a database to back up" has sqlite3
  need openssh-client "signs and checks the list of what a release holds" has ssh-keygen
  need nodejs "runs the JavaScript implementation of age" has node
  need npm "fetches it, and the official age vectors" has npm
  need awscli "asks a key management service for a key" has aws
  need python3-venv "a folder for the Python packages that play the service" has_venv
  browsers
  for_window
  need libglib2.0-bin "opens a file as a double click does, and reads the screen as a screen reader does" has_glib_tools
  need at-spi2-core "tells a screen reader what is on the screen" has_screen_reader
  need "shared-mime-info desktop-file-utils" "tells what a file is, and which app opens it, for a double click" has_file_types
  need "mount e2fsprogs" "file systems for disks that fill, and one that is pulled" has_disks
}

for_window() {
  need "xdotool dbus-daemon" "the keyboard in front of the desktop app, and the bus of its session" has_keyboard
  need "webkit2gtk-driver xvfb xauth" "drives the desktop app and a browser of Safari's family, and a display for them" has_webkit
}

browsers() {
  debian_has_browsers
  need "chromium chromium-driver" "a browser to test the page in, and what drives it" has_chromium
  need firefox-esr "the other browser to test the page in" has firefox-esr
}

for_desktop() {
  need "libwebkit2gtk-4.1-dev libgtk-3-dev librsvg2-dev pkg-config" "the window of the desktop app" has_window_libraries
  need "dpkg dpkg-dev" "makes the package, and finds out what that needs" has_packager
}

for_bench_web() {
  need "nodejs npm" "fetches what the page is compared with" has npm
  browsers
}

readonly GECKODRIVER=0.37.1 TYPAGE=0.3.1

case $goal in
  build) base; install_packages ;;
  web) base; install_packages; rust_targets ;;
  desktop) base; for_desktop; install_packages; rust_targets ;;
  demo) base; for_demo; install_packages ;;
  bench)
    base
    for_bench
    install_packages
    cargo_tool rage 0.12.1 "to compare with"
    cargo_tool b3sum 1.8.7 "to compare with"
    ;;
  bench-web)
    base
    for_bench_web
    install_packages
    cargo_tool geckodriver "$GECKODRIVER" "drives Firefox"
    node_is_new
    npm_packages "what the page is compared with" "age-encryption@$TYPAGE" libsodium-wrappers@0.8.4
    rust_targets
    ;;
  bench-desktop)
    base
    for_desktop
    for_window
    install_packages
    rust_targets
    ;;
  check | test)
    base
    for_desktop
    [ "$goal" = check ] || { for_test; node_is_new; }
    install_packages
    rust_components
    quick_tool 0 cargo-deny 0.20.2 "licences and advisories"
    [ "$goal" = check ] && exit
    # Passphrases take this one minutes where nothing is optimised.
    quick_tool 1 rage 0.12.1 "another age implementation, to exchange files with"
    quick_tool 1 b3sum 1.8.7 "BLAKE3 as everybody has it"
    quick_tool 0 geckodriver "$GECKODRIVER" "drives Firefox"
    [ ! -d tests/fuzz ] || quick_tool 0 cargo-fuzz 0.13.2 "runs the fuzz targets"
    rm -rf "$tools/quick/build"
    node_is_new
    npm_packages "the official vectors of age and of shares; a third age implementation; is a page for everybody?" cctv-age@0.2.0 slip39@0.1.9 \
      "age-encryption@$TYPAGE" axe-core@4.14.1
    moto 5.2.5
    rust_targets
    ;;
  *) fail "no such goal: $goal" ;;
esac
