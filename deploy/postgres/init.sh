#!/bin/sh
# init.sh DATA ARCHIVE [PORT [SOCKETS]]: makes a PostgreSQL server whose changes are archived, and starts it. Run it as the user who is
# to own the server (not root). It listens on sockets in the folder SOCKETS (DATA) alone.
set -eu
data=$1 archive=$2 port=${3:-5432} sockets=${4:-$1}
scripts=$(cd "$(dirname "$0")" && pwd)
. "$scripts/programs.sh"
mkdir -p -m 700 "$archive"
archive=$(cd "$archive" && pwd)
"$bin/initdb" -D "$data" -U postgres -A "${THROUGHLINE_POSTGRES_AUTH:-peer}" -E UTF8 --locale=C --data-checksums >/dev/null
sed -e "s|SCRIPTS|$scripts|" -e "s|ARCHIVE|$archive|" "$scripts/settings.conf" | grep -v '^#' >"$data/throughline.conf"
cat >>"$data/postgresql.conf" <<CONF
include 'throughline.conf'
listen_addresses = ''
unix_socket_directories = '$sockets'
port = $port
CONF
"$bin/pg_ctl" -D "$data" -l "$data/server.log" -w start >/dev/null
echo "PostgreSQL is at $sockets, port $port; its changes are archived in $archive"
