"""Exports for other systems: tables and STIX bundles."""
