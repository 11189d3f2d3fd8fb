"""Seeded synthetic worlds: who the legitimate accounts are, which campaigns hide among them, and the truth."""
