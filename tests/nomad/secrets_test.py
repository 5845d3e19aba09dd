"""What put-secrets leaves in Nomad's variables."""
import urllib.error

import pytest


def folder_of(path, **items):
    """A folder as put-secrets wants it, for a job that is none."""
    (path / "spare").mkdir(parents=True)
    for name, text in items.items():
        (path / "spare" / name).write_text(text)
    return path


def test_items_that_are_not_named_stay(cluster, tmp_path):
    cluster.put_secrets(folder_of(tmp_path / "first", password="one", certificate="old"))
    cluster.put_secrets(folder_of(tmp_path / "second", certificate="new"))
    assert cluster.items("spare") == {"password": "one", "certificate": "new"}


def test_an_empty_file_takes_its_item_away(cluster, tmp_path):
    cluster.put_secrets(folder_of(tmp_path / "first", password="one", certificate="old"))
    cluster.put_secrets(folder_of(tmp_path / "second", password=""))
    assert cluster.items("spare") == {"certificate": "old"}


def test_certificates_leave_the_rest_alone_when_they_are_put_again(cluster):
    jobs = ("gateway", "autoscaler", "app-b", "visitors")
    before = {job: cluster.items(job) for job in jobs}
    cluster.put_secrets("--certs", cluster.certificates)
    assert {job: cluster.items(job) for job in jobs} == before
    assert {"certificate", "cluster_key"} <= set(before["gateway"]) and {"pgpass", "key"} <= set(before["app-b"])


def test_nobody_without_a_token_reads_them(cluster):
    with pytest.raises(urllib.error.HTTPError) as refused:
        cluster.ask("/v1/var/nomad/jobs/gateway")
    assert refused.value.code == 403
