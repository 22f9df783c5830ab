from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

ThreadingHTTPServer(("", 8000), partial(SimpleHTTPRequestHandler, directory="/srv/pages")).serve_forever()
