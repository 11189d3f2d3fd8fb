"""Detection on Spark: read a bundle and find the links of its accounts on a cluster, by the functions of the other rooms."""
