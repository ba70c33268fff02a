#!/bin/sh
# base-backup.sh FOLDER: copies the whole server, while it runs, into a folder of its own within FOLDER, and checks the copy. Which server:
# PGHOST, PGPORT, PGUSER; a password in PGPASSFILE. Prints the folder. Take one each day: what is restored goes through all changes since.
set -eu
folder=$1
. "$(dirname "$0")/programs.sh"
mkdir -p -m 700 "$folder"
name=base-$(date -u +%Y%m%dT%H%M%S.%3NZ)
"$bin/pg_basebackup" -D "$folder/.$name.unfinished" --checkpoint=fast --wal-method=stream --no-password >&2
"$bin/pg_verifybackup" --quiet "$folder/.$name.unfinished" >&2
mv "$folder/.$name.unfinished" "$folder/$name"
sync "$folder"
echo "$folder/$name"
