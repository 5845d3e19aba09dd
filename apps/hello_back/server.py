#!/usr/bin/env python3
"""Greeting service: answers with the text that is in the database.

Needs psycopg 3 and a database with schema.sql in it; libpq's variables (PGHOST, PGPORT, PGUSER,
PGDATABASE, PGPASSFILE) say where that is.
"""
import argparse
import http.server

import psycopg


class Greeting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            with psycopg.connect(connect_timeout=3) as connection:
                row = connection.execute("SELECT text FROM greetings WHERE id = 1").fetchone()
        except psycopg.Error as error:
            self.log_error("database: %s", error)
            self.send_error(500)
            return
        body = row[0].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Greeting).serve_forever()


if __name__ == "__main__":
    main()
