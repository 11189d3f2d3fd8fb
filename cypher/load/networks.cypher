// Writes networks, which are named ranges of addresses with a class.
// Parameters: parallel lists $cidr, $name, $network_class, $country, $asn
// Returns: nothing
UNWIND range(0, size($cidr) - 1) AS i
WITH $cidr[i] AS cidr, $name[i] AS name, $network_class[i] AS class, $country[i] AS country, $asn[i] AS asn
MERGE (n:Network {cidr: cidr})
SET n.class = class, n.name = coalesce(name, n.name), n.country = coalesce(country, n.country),
    n.asn = coalesce(asn, n.asn)
