// Writes the tokens of the words that names and e-mail patterns consist of; what an earlier bundle brought stays.
// Parameters: parallel lists $key, $words (text: tokens, sorted, separated by spaces); $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($key) - 1) AS i
WITH $key[i] AS key, $words[i] AS words
MATCH (s:Signal {key: key})
WITH s, split(words, ' ') AS brought, CASE WHEN s.words IS NULL THEN [] ELSE split(s.words, ' ') END AS known
WHERE any(word IN brought WHERE NOT word IN known)
UNWIND known + brought AS word
WITH DISTINCT s, word
ORDER BY word
WITH s, collect(word) AS words
SET s.touched = $number, s.words = substring(reduce(text = '', word IN words | text + ' ' + word), 1)
