// Puts its certificate into the record of a run, before it is published.
// Parameters: $run, $certificate (JSON text), $signature (hex or null), $signer (public key, hex or null)
// Returns: nothing
MATCH (r:DetectionRun {id: $run, status: 'running'})
SET r.certificate = $certificate, r.signature = $signature, r.signer = $signer
