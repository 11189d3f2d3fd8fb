// Keys of identities that last and of people's decisions on them. What is published becomes the identities there are;
// results of earlier runs, whose ids were of their content and changed with it, stay past clusters and no more.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT identity_id IF NOT EXISTS FOR (n:Identity) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT decision_id IF NOT EXISTS FOR (n:Decision) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT decision_book_name IF NOT EXISTS FOR (n:DecisionBook) REQUIRE n.name IS UNIQUE;
CREATE INDEX decision_cluster IF NOT EXISTS FOR (n:Decision) ON (n.cluster);
CREATE INDEX past_cluster_dormant_run IF NOT EXISTS FOR (n:PastCluster) ON (n.dormantRun);
MATCH (c:Cluster) WHERE NOT c:Identity SET c:Identity;
