// By which networks all addresses were placed last.
// Parameters: none
// Returns: networks (fingerprint, null where they never were); at most one row
MATCH (b:LoadBook {name: 'loads'})
RETURN b.networks AS networks
