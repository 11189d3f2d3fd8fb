// Keys of what detection publishes, and the indexes its readers use.
// Parameters: none
// Returns: nothing
CREATE CONSTRAINT cluster_id IF NOT EXISTS FOR (n:Cluster) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT staged_cluster_key IF NOT EXISTS FOR (n:StagedCluster) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT detection_run_id IF NOT EXISTS FOR (n:DetectionRun) REQUIRE n.id IS UNIQUE;
CREATE INDEX cluster_score IF NOT EXISTS FOR (n:Cluster) ON (n.score);
CREATE INDEX cluster_size IF NOT EXISTS FOR (n:Cluster) ON (n.size);
CREATE INDEX past_cluster_id IF NOT EXISTS FOR (n:PastCluster) ON (n.id);
CREATE INDEX past_cluster_run IF NOT EXISTS FOR (n:PastCluster) ON (n.run);
CREATE INDEX signal_value IF NOT EXISTS FOR (n:Signal) ON (n.value);
CREATE INDEX detection_run_started IF NOT EXISTS FOR (n:DetectionRun) ON (n.startedAt);
