"""Certificates of sites, as Secrets, and of clients."""
import base64
import subprocess


def make_secret(folder, name, host):
    """The manifest of a self-signed one, and its certificate as DER."""
    key, shown = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
                    "-keyout", key, "-out", shown], check=True, capture_output=True)
    data = {"tls.crt": shown, "tls.key": key}
    lines = [f"  {each}: {base64.b64encode(file.read_bytes()).decode()}" for each, file in data.items()]
    der = subprocess.run(["openssl", "x509", "-in", shown, "-outform", "DER"], check=True, capture_output=True)
    return "\n".join(["apiVersion: v1", "kind: Secret", f"metadata: {{name: {name}}}", "type: kubernetes.io/tls",
                      "data:", *lines]), der.stdout


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def authorities(name, file):
    """The manifest of a Secret with who is trusted."""
    data = base64.b64encode(file.read_bytes()).decode()
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ndata: {{ca.crt: {data}}}"


class Authority:
    """Signs certificates of clients: one file with key, certificate and what lies between it and the root."""

    def __init__(self, folder, name, above=None):
        self.folder, self.name, self.above = folder, name, above
        self.key, self.certificate = folder / f"{name}.key", folder / f"{name}.crt"
        if above:
            above.sign(name, "basicConstraints=critical,CA:TRUE")
        else:
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def sign(self, name, extension):
        key, asked = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(extension)
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={name}", "-keyout", key, "-out", asked)
        openssl("x509", "-req", "-in", asked, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-extfile", extensions, "-out", self.folder / f"{name}.crt")
        return key, self.folder / f"{name}.crt"

    def issue(self, name):
        key, shown = self.sign(name, "extendedKeyUsage=clientAuth")
        chain = [self.certificate.read_text()] if self.above else []
        whole = self.folder / f"{name}.pem"
        whole.write_text("".join([key.read_text(), shown.read_text(), *chain]))
        return whole

    def secret(self):
        return authorities(self.name, self.certificate)
