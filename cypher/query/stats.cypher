// How much there is, out of the count store; of clusters as many as the index of assessments has.
// Parameters: none
// Returns: accounts, signals, clusters, members (of campaigns), businesses, business_members; one row
CALL () { MATCH (a:Account) RETURN count(a) AS accounts }
CALL () { MATCH (s:Signal) RETURN count(s) AS signals }
CALL () {
  MATCH (c:Cluster {assessment: 'campaign'})
  RETURN count(c) AS clusters, sum(COUNT { (c)<-[:MEMBER_OF]-() }) AS members
}
CALL () {
  MATCH (c:Cluster {assessment: 'likely_business'})
  RETURN count(c) AS businesses, sum(COUNT { (c)<-[:MEMBER_OF]-() }) AS business_members
}
RETURN accounts, signals, clusters, members, businesses, business_members
