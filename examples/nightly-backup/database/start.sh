#!/bin/sh
# Makes the database on the first start, then runs the server.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username=shop --pwfile="$DATABASE_PASSWORD_FILE" --auth=scram-sha-256 --encoding=UTF8 --no-instructions
  echo "create database shop" | postgres --single -D "$PGDATA" postgres
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp
