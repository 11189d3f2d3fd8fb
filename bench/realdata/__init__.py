"""Two public data sets with known groups, as bundles: `python -m bench.realdata sybil|identities GIT_DIR OUT`.

The data is never committed. All that names people or addresses is replaced by keyed pseudonyms.
"""
