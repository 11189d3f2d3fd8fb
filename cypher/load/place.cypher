// Writes the class and the name of the network that an address is in.
// Parameters: parallel lists $key, $class, $network; $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($key) - 1) AS i
WITH $key[i] AS key, $class[i] AS class, $network[i] AS network
MATCH (s:Signal {key: key})
SET s.networkClass = class, s.network = network, s.touched = $number
