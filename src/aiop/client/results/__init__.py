"""What the client's calls return: frozen, typed, and patient with fields of newer services.

``raw`` is the JSON object as it was sent. Codes that may grow (``reason``, ``waiting.code``) are plain strings; those
of today are ``aiop.model.state.Reason`` and ``WaitCode``.
"""
