"""The web tier: shows the entries and hands new ones to the worker. It knows the cache, not the database."""

import json
import os
import uuid

import redis
from flask import Flask, abort, jsonify, redirect, render_template, request

app = Flask(__name__)
cache = redis.Redis(host=os.environ.get("CACHE_HOST", "cache"), socket_timeout=10)


def entries():
    return [json.loads(entry) for entry in cache.lrange("entries", 0, 99)]


@app.get("/")
def index():
    return render_template("index.html", entries=entries())


@app.get("/entries")
def list_entries():
    return jsonify(entries())


@app.post("/entries")
def add_entry():
    form = request.get_json(silent=True) or request.form
    name, message = form.get("name", "").strip(), form.get("message", "").strip()
    if not name or not message:
        abort(400, "name and message are both needed")
    ticket = uuid.uuid4().hex
    cache.rpush("jobs", json.dumps({"ticket": ticket, "name": name, "message": message}))
    answer = cache.blpop(f"done:{ticket}", timeout=8)
    if answer is None:
        abort(503, "the worker did not answer in time")
    if request.is_json:
        return jsonify(json.loads(answer[1])), 201
    return redirect("/")


@app.get("/healthz")
def healthz():
    cache.ping()
    return "ok\n"
