"""The embedded engine: containers of this machine by an OCI runtime, with no daemon.

``engine.OciEngine`` is the adapter. Nothing is imported here: ``drain`` is a small program of its own.
"""
