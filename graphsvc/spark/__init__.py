"""Detection on Spark: a bundle is read, and the links of its accounts are found, on a cluster."""
