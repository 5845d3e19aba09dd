"""A client of the published ports."""
import http.client
import re
import ssl

HTTP, HTTPS = 8080, 8443


class Visitor:
    token = None

    def __init__(self, authority):
        self._authority = authority

    def ask(self, method, path, host="localhost", tls=False, **headers):
        """Status and text; 0 where no answer came."""
        if tls:
            connection = http.client.HTTPSConnection("localhost", HTTPS, timeout=20,
                                                     context=ssl.create_default_context(cafile=self._authority))
        else:
            connection = http.client.HTTPConnection("127.0.0.1", HTTP, timeout=20)
        try:
            connection.request(method, path, headers={"Host": host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()

    def jobs(self, token=None, **options):
        return self.ask("POST", "/jobs", Authorization=token or self.token, **options)

    def visit(self):
        """What the page counts of this client, and of all; None when it has no count."""
        status, page = self.ask("GET", "/", "visitors.localhost")
        if status != 200:
            return None
        return tuple(int(re.search(rf'id="{name}">([0-9,]+)<', page)[1].replace(",", ""))
                     for name in ("own", "visitors"))
