import minorminer


def prepare(monkeypatch):
    # The real search takes minutes to give up.
    monkeypatch.setattr(minorminer, "find_embedding", lambda *arguments, **options: {})
