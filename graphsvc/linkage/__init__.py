"""From columns to bits to account pairs: how rare is what two accounts share."""
