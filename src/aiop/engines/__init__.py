"""Adapters to the places where containers run; one package each, strangers to each other."""
