"""aiop: runs graphs of container steps, durably, on the container engine at hand."""

__version__ = "0.1.0"
