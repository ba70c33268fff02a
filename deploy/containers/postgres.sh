#!/bin/sh
# postgres.sh primary|replica: what a container of PostgreSQL starts with (../compose.yaml). The first time it makes the server in the
# container's volume, by the scripts and settings of ../postgres; one that was not finished is made again. Then it runs it.
#
# The superuser has no password, and is let in through the container's socket alone: docker compose exec --user postgres primary psql
set -eu
role=$1 data=/var/lib/postgresql/data/server archive=/srv/archive
unfinished=$data.unfinished
scripts=$(cd "$(dirname "$0")/../postgres" && pwd)
. "$scripts/programs.sh"

# PostgreSQL refuses root.
as_owner() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
append() { as_owner tee -a "$unfinished/$1" >/dev/null; }

make_primary() {
    if [ -n "$(ls -A "$archive")" ]; then
        echo "There is no server in $data, but there are changes of one in $archive: restore it, or empty that volume." >&2
        exit 1
    fi
    # Until it is finished it listens where nobody takes it for ready.
    as_owner "$scripts/init.sh" "$unfinished" "$archive" 5432 >/dev/null
    as_owner "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$unfinished" -d postgres <<'SQL'
\getenv database_password DATABASE_PASSWORD
\getenv replication_password REPLICATION_PASSWORD
CREATE ROLE throughline LOGIN PASSWORD :'database_password';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replication_password';
CREATE DATABASE throughline OWNER throughline;
SQL
    append postgresql.conf <"$scripts/replicated.conf"
    append postgresql.conf <<'CONF'

# Of a container: its network is its own.
listen_addresses = '*'
unix_socket_directories = '/var/run/postgresql'
# A replica that stays away does not fill the primary's disk: beyond this it goes on from the archive.
max_slot_wal_keep_size = 10GB
CONF
    append pg_hba.conf <<'CONF'
host throughline throughline all scram-sha-256
host postgres    replicator  all scram-sha-256
host replication replicator  all scram-sha-256
CONF
    as_owner "$bin/pg_ctl" -D "$unfinished" -w stop >/dev/null
}

# The primary keeps its log for a replica by a slot, which is made anew when it kept no more for it.
make_slot() {
    "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -d "host=primary user=replicator dbname=postgres connect_timeout=5" >/dev/null <<'SQL'
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'replica' AND wal_status = 'lost';
SELECT pg_create_physical_replication_slot('replica') WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'replica');
SQL
}

make_replica() {
    make_slot
    as_owner "$bin/pg_basebackup" --pgdata="$unfinished" --host=primary --username=replicator --no-password --slot=replica \
        --checkpoint=fast --wal-method=stream --write-recovery-conf
    append postgresql.conf <<CONF

# What the primary has no more is in the archive.
restore_command = 'cp "$archive/%f" "%p"'
CONF
}

# A folder that is new is root's.
install -d -o postgres -g postgres -m 700 "$(dirname "$data")" "$archive" /srv/base
export PGPASSWORD="$REPLICATION_PASSWORD"
if [ ! -e "$data" ]; then
    rm -rf "$unfinished"
    "make_$role"
    as_owner mv "$unfinished" "$data"
elif [ "$role" = replica ]; then
    # It can do without, as it has to where the primary is away.
    make_slot || true
fi
unset PGPASSWORD REPLICATION_PASSWORD DATABASE_PASSWORD
exec setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$data"
