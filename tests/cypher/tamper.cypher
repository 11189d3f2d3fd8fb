// Changes what a run left behind: its certificate, its record, or the memberships of one of its accounts. For tests of `verify`.
// Parameters: $run, $certificate (text or null), $seed (int or null), $membership (float or null)
// Returns: nothing
MATCH (r:DetectionRun {id: $run})
SET r.certificate = coalesce($certificate, r.certificate), r.seed = coalesce($seed, r.seed)
WITH r
MATCH (c:Cluster {run: r.id})<-[m:MEMBER_OF]-(a:Account)
WITH m ORDER BY a.id LIMIT 1
SET m.membership = coalesce($membership, m.membership)
