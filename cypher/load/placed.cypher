// Records by which networks all addresses have been placed.
// Parameters: $networks (fingerprint)
// Returns: nothing
MATCH (b:LoadBook {name: 'loads'})
SET b.networks = $networks
