"""Reads requests as JSON lines [method, host, path, headers] and sends them over one connection."""

from __future__ import annotations

import http.client
import json
import ssl
import sys


def main() -> int:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), timeout=60,
                                             context=context)
    for line in sys.stdin:
        method, host, path, headers = json.loads(line)
        connection.request(method, path, headers={"Host": host, **headers})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            print(f"{method} {host}{path} was answered with {answer.status}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
