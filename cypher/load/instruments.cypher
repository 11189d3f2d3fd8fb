// Writes what is known of payment instruments beside their token.
// Parameters: parallel lists $key, $bin, $instrument_kind, $issuer_country; $number (int, of the load)
// Returns: nothing
UNWIND range(0, size($key) - 1) AS i
WITH $key[i] AS key, $bin[i] AS bin, $instrument_kind[i] AS instrumentKind, $issuer_country[i] AS issuerCountry
MATCH (s:Signal {key: key})
WHERE bin IS NOT NULL AND (s.bin IS NULL OR s.bin <> bin)
   OR instrumentKind IS NOT NULL AND (s.instrumentKind IS NULL OR s.instrumentKind <> instrumentKind)
   OR issuerCountry IS NOT NULL AND (s.issuerCountry IS NULL OR s.issuerCountry <> issuerCountry)
SET s.touched = $number, s.bin = coalesce(bin, s.bin), s.instrumentKind = coalesce(instrumentKind, s.instrumentKind),
    s.issuerCountry = coalesce(issuerCountry, s.issuerCountry)
