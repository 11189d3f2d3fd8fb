// Runs that honoured a pin of an account name what stands for it; a certificate that named it is signed no more.
// Parameters: $quoted (its id as JSON may spell it, list), $name (what stands for it, as JSON)
// Returns: nothing
MATCH (r:DetectionRun)
WHERE any(each IN $quoted WHERE r.parameters CONTAINS each OR r.certificate CONTAINS each)
SET r.parameters = reduce(text = r.parameters, each IN $quoted | replace(text, each, $name))
WITH r
WHERE any(each IN $quoted WHERE r.certificate CONTAINS each)
SET r.certificate = reduce(text = r.certificate, each IN $quoted | replace(text, each, $name))
REMOVE r.signature, r.signer
