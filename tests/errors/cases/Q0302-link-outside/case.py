from pathlib import Path


def prepare(monkeypatch):
    Path("programs/d.csv").symlink_to(Path("secret.csv").resolve())
