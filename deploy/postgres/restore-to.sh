#!/bin/sh
# restore-to.sh BASE ARCHIVE TIME DATA [PORT [SOCKETS]]: makes a server in DATA of a base backup and the archive, as it was at TIME
# ('2026-11-29 06:15:00.5+00', or `latest` for all that was archived), and starts it. The archive and the base backup are only read.
# The new server archives nothing until it is told to. Afterwards, before a server of Throughline opens the database:
#     throughline verify --database …
#     throughline backup mark-restored --database …
set -eu
base=$1 time=$3 data=$4 port=${5:-5432} sockets=${6:-$4}
archive=$(cd "$2" && pwd)
. "$(dirname "$0")/programs.sh"
[ ! -e "$data" ] || { echo "there is something at $data already" >&2; exit 1; }
cp -a "$base" "$data"
chmod 700 "$data"
cat >>"$data/postgresql.conf" <<CONF

# Restored from $base
archive_mode = off
restore_command = 'cp "$archive/%f" "%p"'
recovery_target_action = promote
listen_addresses = ''
unix_socket_directories = '$sockets'
port = $port
CONF
if [ "$time" != latest ]; then
    # What was committed at this very moment is there as well.
    echo "recovery_target_time = '$time'" >>"$data/postgresql.conf"
fi
touch "$data/recovery.signal"
"$bin/pg_ctl" -D "$data" -l "$data/server.log" -w -t 600 start >/dev/null || { tail -n 20 "$data/server.log" >&2; exit 1; }
# It answers before it has come to its end.
until [ "$("$bin/psql" -XAtq -h "$sockets" -p "$port" -U postgres -d postgres -c 'SELECT pg_is_in_recovery()')" = f ]; do
    "$bin/pg_ctl" -D "$data" status >/dev/null || { tail -n 20 "$data/server.log" >&2; exit 1; }
    sleep 0.1
done
echo "PostgreSQL is at $sockets, port $port, as it was at $time"
