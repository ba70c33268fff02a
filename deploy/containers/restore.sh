#!/bin/sh
# restore.sh BASE TIME: makes the primary of ../compose.yaml anew, of the base backup BASE in /srv/base and the archive, as it was at TIME
# ('2026-11-29 06:15:00.5+00', or `latest`). The containers of PostgreSQL are stopped before. What was there is kept under a new name,
# before-…: the server beside the new one, and its archive in the archive, which begins anew.
set -eu
base=/srv/base/$1 time=$2 data=/var/lib/postgresql/data/server archive=/srv/archive
restored=$data.restored before=before-$(date -u +%Y%m%dT%H%M%SZ)
scripts=$(cd "$(dirname "$0")/../postgres" && pwd)
. "$scripts/programs.sh"

# PostgreSQL refuses root.
as_owner() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

if "$bin/pg_isready" --quiet --host=primary; then echo 'the primary runs: stop it first' >&2; exit 1; fi
rm -rf "$restored"
as_owner "$scripts/restore-to.sh" "$base" "$archive" "$time" "$restored" 5432 /tmp >/dev/null
as_owner "$bin/pg_ctl" -D "$restored" -w stop >/dev/null
# It listens and archives as the one before did.
as_owner sed -i '/^# Restored from /,$d' "$restored/postgresql.conf"

as_owner mkdir -m 700 "$archive/$before"
find "$archive" -mindepth 1 -maxdepth 1 ! -name 'before-*' -exec mv -t "$archive/$before" {} +
if [ -e "$data" ]; then as_owner mv "$data" "$(dirname "$data")/$before"; fi
as_owner mv "$restored" "$data"
echo "The primary is as it was at $time; what was there before is named $before"
