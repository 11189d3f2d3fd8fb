// Writes the tokens of the words that names and e-mail patterns consist of. Of two divisions of one pattern the one into
// more words counts, as when a bundle is read.
// Parameters: parallel lists $key, $words (text: tokens, sorted, separated by spaces); $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($key) - 1) AS i
WITH $key[i] AS key, $words[i] AS words
MATCH (s:Signal {key: key})
WITH s, words, size(split(words, ' ')) AS many, size(split(coalesce(s.words, ''), ' ')) AS known
WHERE s.words IS NULL OR many > known OR many = known AND words < s.words
SET s.touched = $number, s.words = words
