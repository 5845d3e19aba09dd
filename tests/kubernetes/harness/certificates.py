"""Certificates of sites, as Secrets."""
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
