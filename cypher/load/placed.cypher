// Records by which networks all addresses have been placed.
// Parameters: $networks (fingerprint)
// Returns: nothing
MERGE (b:LoadBook {name: 'loads'})
ON CREATE SET b.last = 0
SET b.networks = $networks
