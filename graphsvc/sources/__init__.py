"""Sources of a load: column maps, object stores, SQL, watched folders and Kafka topics."""
