"""The command line ``aiop``. Speaks to the service through ``aiop.client`` alone."""
