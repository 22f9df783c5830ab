"""Carries entries from the cache's queue to the database, and keeps the cache's list of entries up to date."""

import json
import os
import pathlib

import psycopg2
import redis

password = pathlib.Path(os.environ["DATABASE_PASSWORD_FILE"]).read_text().strip()
cache = redis.Redis(host=os.environ["CACHE_HOST"])
database = psycopg2.connect(host=os.environ["DATABASE_HOST"], dbname="guestbook", user="guestbook", password=password)
database.autocommit = True
cursor = database.cursor()


def row(record):
    return json.dumps({"id": record[0], "name": record[1], "message": record[2], "created": record[3].isoformat()})


cursor.execute(
    "create table if not exists entry (id serial primary key, name text not null, message text not null,"
    " created timestamptz not null default now())"
)
cursor.execute("select id, name, message, created from entry order by id desc limit 100")
known = [row(record) for record in cursor.fetchall()]
with cache.pipeline() as pipe:
    pipe.delete("entries")
    if known:
        pipe.rpush("entries", *known)
    pipe.execute()
pathlib.Path("/tmp/ready").touch()
print(f"ready with {len(known)} entries", flush=True)

while True:
    job = json.loads(cache.blpop("jobs")[1])
    cursor.execute(
        "insert into entry (name, message) values (%s, %s) returning id, name, message, created", (job["name"], job["message"])
    )
    entry = row(cursor.fetchone())
    with cache.pipeline() as pipe:
        pipe.lpush("entries", entry)
        pipe.ltrim("entries", 0, 99)
        pipe.rpush(f"done:{job['ticket']}", entry)
        pipe.expire(f"done:{job['ticket']}", 60)
        pipe.execute()
    print(f"stored an entry by {job['name']}", flush=True)
