# Sets `bin` to the folder of PostgreSQL's own programs: what PG_BIN names, what pg_config tells, or the latest version that is installed.
bin=${PG_BIN:-$(pg_config --bindir 2>/dev/null || true)}
if [ ! -x "$bin/pg_basebackup" ]; then
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
fi
[ -x "$bin/pg_basebackup" ] || { echo "PostgreSQL's programs are not to be found: set PG_BIN to their folder" >&2; exit 1; }
