def prepare(monkeypatch):
    monkeypatch.setenv("QUANTUM_BACKEND", "loca")
