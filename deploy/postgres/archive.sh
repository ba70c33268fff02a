#!/bin/sh
# archive.sh PATH NAME FOLDER: PostgreSQL's archive_command. Leaves with 0 when the segment is on the archive's disk, and only then:
# the server keeps it until that is so.
set -eu
path=$1 name=$2 folder=$3
if [ -f "$folder/$name" ]; then
    # The server was killed after this had been done; anything else of that name is not ours to write over.
    cmp -s "$path" "$folder/$name"
    exit
fi
cp "$path" "$folder/.$name.$$"
sync "$folder/.$name.$$"
mv "$folder/.$name.$$" "$folder/$name"
sync "$folder"
