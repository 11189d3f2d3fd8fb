"""Communities of linked accounts: the Detector protocol and its engines."""
