def prepare(monkeypatch):
    monkeypatch.setenv("QUANTUM_API_KEY", "key-of-a-test")
