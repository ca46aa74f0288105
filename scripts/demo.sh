#!/usr/bin/env bash
# The demo: backs up a real database through dbseal, restores it into an empty one and compares every row. Run it with ./x demo.
# It takes MariaDB where that is installed, else PostgreSQL, else SQLite. A server is the demo's own, reached only by a socket in
# its folder, and stopped however the demo ends.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

title() { printf '\n# %s\n' "$*"; }
show() { printf '$ %s\n' "$1"; eval "$1"; } # one command line, shown as a person would type it, then run
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null; }

server_pid=
finish() {
  [ -z "$server_pid" ] || { kill "$server_pid" && wait "$server_pid"; } 2>/dev/null || true
  rm -rf "$folder/server"
}

# --- The databases: each defines start, sql DATABASE SQL, and the command lines a person would type --------------------------

# Where the demo runs as root the server must not: it gets its own user, and a folder that nobody else can enter.
server_user() { # server_user NAME
  mkdir -m 700 server
  as_server=()
  [ "$(id -u)" -eq 0 ] || return 0
  local user=$1
  id -u "$user" >/dev/null 2>&1 || user=nobody
  chown "$user" server
  as_server=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
}

use_mariadb() {
  database=MariaDB
  printf '[client]\nsocket = %s\ndefault-character-set = utf8mb4\n' "$folder/server/socket" >.my.cnf # the clients' last word; /etc/mysql names the system's server
  create="mariadb-admin create shop"
  backup=("dbseal encrypt -R backup.pub -o shop.age -- mariadb-dump --single-transaction shop")
  # In the sandbox the client refuses the shell commands that a hostile dump could hold. Clients before May 2024 have none.
  local sandbox=
  [[ $(mariadb --no-defaults --help) == *--sandbox* ]] && sandbox=" --sandbox"
  [ -n "$sandbox" ] || echo "demo: this mariadb knows no --sandbox, which keeps a dump from running shell commands; going on without"
  restore=("mariadb-admin create restored" "dbseal decrypt -i backup.key shop.age -- mariadb$sandbox restored")
  sql() { mariadb --batch --skip-column-names "$1" --execute "$2"; }
  sequence="FROM seq_1_to_100000"
  n=seq
  start() {
    server_user mysql
    # In a folder shared with another server, the start would remove that one's temporary tables.
    export TMPDIR="$folder/server"
    "${as_server[@]}" mariadb-install-db --no-defaults --datadir="$folder/server/data" --auth-root-socket-user="$(id -un)" \
      --skip-test-db >server.log 2>&1
    "${as_server[@]}" mariadbd --no-defaults --datadir="$folder/server/data" --socket="$folder/server/socket" --skip-networking \
      --character-set-server=utf8mb4 >>server.log 2>&1 &
    server_pid=$!
  }
  answers() { mariadb-admin ping >/dev/null 2>&1; }
}

use_postgres() {
  database=PostgreSQL
  PATH="$(find /usr/lib/postgresql -path '*/bin/postgres' -printf '%h\n' | sort -V | tail -n 1):$PATH"
  unset PGDATABASE PGOPTIONS PGPASSWORD PGSERVICE
  export PGHOST=$folder/server PGPORT=5432 PGUSER
  PGUSER=$(id -un)
  create="createdb shop"
  backup=("dbseal encrypt -R backup.pub -o shop.age -- pg_dump --format=custom shop")
  restore=("createdb restored" "dbseal decrypt -i backup.key shop.age -- pg_restore --exit-on-error --dbname=restored")
  sql() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$1" --command="$2"; }
  sequence="FROM generate_series(1, 100000) AS s(n)"
  n=n
  start() {
    server_user postgres
    "${as_server[@]}" initdb --pgdata="$folder/server/data" --username="$PGUSER" --auth=peer --encoding=UTF8 --locale=C.UTF-8 \
      >server.log 2>&1
    "${as_server[@]}" postgres -D "$folder/server/data" -c listen_addresses= -c unix_socket_directories="$PGHOST" \
      >>server.log 2>&1 &
    server_pid=$!
  }
  answers() { psql --no-psqlrc --dbname=postgres --command="SELECT 1" >/dev/null 2>&1; }
}

use_sqlite() {
  database=SQLite
  create=
  # Not .dump: on a database that is locked or damaged it writes half of it, and exits 0.
  backup=("sqlite3 -readonly shop.db \"VACUUM INTO 'copy.db'\"" "dbseal encrypt -R backup.pub -o shop.age copy.db" "rm copy.db")
  restore=("dbseal decrypt -i backup.key -o restored.db shop.age" 'sqlite3 restored.db "PRAGMA integrity_check"')
  sql() { sqlite3 -separator "$(printf '\t')" "$1.db" "$2"; }
  sequence="FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000) SELECT n FROM s)"
  n=n
  start() { :; }
  answers() { :; }
}

choose() {
  if has mariadbd && has mariadb-install-db && has mariadb-dump; then
    use_mariadb
  elif [ -n "$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null)" ]; then
    use_postgres
  else
    use_sqlite
  fi
}

# A hundred thousand orders of a shop: names beyond ASCII, amounts, dates, empty notes.
fill() {
  local city item
  city="CASE $n % 7 WHEN 0 THEN 'Zürich' WHEN 1 THEN 'Łódź' WHEN 2 THEN 'Lisboa' WHEN 3 THEN '東京' WHEN 4 THEN 'Αθήνα'
    WHEN 5 THEN 'Oslo' ELSE 'O''Fallon' END"
  item="CASE $n % 5 WHEN 0 THEN 'bicycle bell' WHEN 1 THEN 'kettle, 1.5 l' WHEN 2 THEN 'desk lamp' WHEN 3 THEN '\"notebook\"'
    ELSE 'rain coat' END"
  sql shop "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, city VARCHAR(20) NOT NULL,
    item VARCHAR(40) NOT NULL, cents INTEGER NOT NULL, day INTEGER NOT NULL, note VARCHAR(60))"
  sql shop "INSERT INTO orders SELECT $n, $n * 7919 % 4999, $city, $item, 199 + $n * 17389 % 25000, 20240101 + $n % 28,
    CASE WHEN $n % 11 = 0 THEN 'leave it at the door' END $sequence"
}

describe() { # describe DATABASE: how many rows, and a checksum of them all
  local count sum
  count=$(sql "$1" "SELECT COUNT(*) FROM orders")
  sum=$(sql "$1" "SELECT * FROM orders ORDER BY id" | sha256sum)
  echo "$count rows, SHA-256 ${sum%% *}"
}

# --- The demo ----------------------------------------------------------------------------------------------------------------

echo "Building dbseal: some minutes the first time."
show "cargo build --release --locked --quiet"
PATH="$(realpath "${CARGO_TARGET_DIR:-target}")/release:$PATH"

folder=$(mktemp -d "${TMPDIR:-/tmp}/dbseal-demo.XXXXXX")
chmod 711 "$folder"
trap finish EXIT
trap 'exit 130' INT TERM
show "cd $folder"
export HOME=$folder # the .my.cnf, .pgpass and .sqliterc of the person who runs this take no part
choose

title "A key pair. backup.pub goes to the database host; backup.key stays offline."
echo "(At a terminal keygen asks for a passphrase. The demo takes the terminal away from it, so this key has none.)"
echo '$ dbseal keygen -o backup.key'
setsid --wait dbseal keygen -o backup.key
show "ls -l backup.key backup.pub"

title "A real database: $database, a shop with 100,000 orders"
start
for _ in $(seq 120); do
  answers && break
  [ -z "$server_pid" ] || kill -0 "$server_pid" 2>/dev/null || break
  sleep 0.5
done
answers || { cat server.log >&2; fail "the database server did not start"; }
[ -z "$create" ] || show "$create"
fill

title "The backup. A dump is run by dbseal itself, so that it knows whether the dump succeeded."
for line in "${backup[@]}"; do show "$line"; done
show "ls -l shop.age"
show "dbseal inspect shop.age"

title "The restore, into an empty database"
for line in "${restore[@]}"; do show "$line"; done

title "The same rows?"
before=$(describe shop)
after=$(describe restored)
printf 'shop:     %s\nrestored: %s\n' "$before" "$after"
[ "$before" = "$after" ] || fail "the restored database differs"
[ "${after%% *}" -eq 100000 ] || fail "the database has not the rows that were put in"

if has age; then
  title "Plain age opens it too: in ten years the backup needs no dbseal."
  show "age --decrypt -i backup.key shop.age | sha256sum"
  show "dbseal decrypt -i backup.key shop.age | sha256sum"
  age --decrypt -i backup.key shop.age | cmp - <(dbseal decrypt -i backup.key shop.age)
else
  title "The age command is not installed here. Where it is, this opens the backup too: age --decrypt -i backup.key shop.age"
fi

title "A dump that fails half way leaves no backup that looks good."
if show "dbseal encrypt -R backup.pub -o broken.age -- sh -c 'echo partial; exit 1'"; then
  fail "a failed dump was taken for a good one"
else
  echo "(exit status $?)"
fi
show "ls broken.age" && fail "a failed dump left a file"

title "All is well: 100,000 orders went through dbseal and came back equal."
echo "The key and the backup are in $folder${server_pid:+ (the server is stopped and its data removed)}."
echo "next: README.md, Recipes"
