"""The volumes of a pod as folders on the machine, kept equal to their objects as a kubelet does: a new
folder, then a switch of `..data`."""
import base64
import os
import pathlib
import shutil

from .api import ApiError


class Volume:
    """One volume. fill() makes or renews it; true when something changed."""

    def __init__(self, pod, spec, folder):
        self.pod, self.spec, self.folder = pod, spec, folder
        self.name = spec["name"]
        self.files = None
        self.version = 0
        folder.mkdir(parents=True)
        if "emptyDir" in spec or "persistentVolumeClaim" in spec:
            folder.chmod(0o777)

    def fill(self):
        if "emptyDir" in self.spec or "persistentVolumeClaim" in self.spec:
            return False
        files = self.collect()
        if files == self.files:
            return False
        self.files = files
        self.write(files)
        return True

    def collect(self):
        spec = self.spec
        if "configMap" in spec:
            return self.of_config_map(spec["configMap"])
        if "secret" in spec:
            return self.of_secret({"name": spec["secret"]["secretName"], **spec["secret"]})
        if "projected" in spec:
            files = {}
            for source in spec["projected"]["sources"]:
                files.update(self.of_source(source))
            return files
        raise ValueError(f"volume {self.name}: the tests' kubelet does not know {sorted(spec)}")

    def of_source(self, source):
        if "serviceAccountToken" in source:
            wanted = source["serviceAccountToken"]
            return {wanted["path"]: self.pod.service_account_token(wanted).encode()}
        if "configMap" in source:
            return self.of_config_map(source["configMap"])
        if "secret" in source:
            return self.of_secret(source["secret"])
        return {each["path"]: self.pod.field(each["fieldRef"]["fieldPath"]).encode()
                for each in source["downwardAPI"]["items"]}

    def of_config_map(self, wanted):
        body = self.find("ConfigMap", wanted)
        data = {key: text.encode() for key, text in body.get("data", {}).items()}
        data.update({key: base64.b64decode(text) for key, text in body.get("binaryData", {}).items()})
        return self.items(wanted, data)

    def of_secret(self, wanted):
        body = self.find("Secret", wanted)
        return self.items(wanted, {key: base64.b64decode(text) for key, text in body.get("data", {}).items()})

    def find(self, kind, wanted):
        try:
            return self.pod.api.find(kind, wanted["name"], self.pod.namespace)
        except ApiError as error:
            if error.code == 404 and wanted.get("optional"):
                return {}
            raise

    @staticmethod
    def items(wanted, data):
        if "items" not in wanted:
            return data
        return {each["path"]: data[each["key"]] for each in wanted["items"]}

    def write(self, files):
        self.version += 1
        fresh = self.folder / f"..{self.version}"
        for path, content in files.items():
            file = fresh / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o644)
        fresh.mkdir(exist_ok=True)
        (self.folder / "..next").symlink_to(fresh.name)
        os.replace(self.folder / "..next", self.folder / "..data")
        for name in {pathlib.PurePath(path).parts[0] for path in files}:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        old = self.folder / f"..{self.version - 1}"
        if old.exists():
            shutil.rmtree(old)
