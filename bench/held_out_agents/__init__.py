"""Worlds of accounts that were written without knowledge of the detection.

A calendar runs day by day. Suppliers hold stock, operators and honest people act, and an imperfect provider
reviews every evening. The generator was written from the format of a bundle alone: its author had not seen
how the detection works. So its worlds are independent of the detection, and what it finds in them was not
put there for it. Seeds below 100 are for development, seeds from 101 on are for judging only.

The worlds:

1. Small shop: 2,400 accounts, 75 days, all tables, 5 operators of little care, two suppliers in all.
2. No devices: 36,000 accounts, 120 days, no prompts; 12 operators of 20 to 2,600 behind crowded addresses.
3. Payments only: 12,000 accounts, 180 days, accounts and payments with days for times; 9 operators.
4. Fingerprints: 38,000 accounts, 90 days, prompts as fingerprints, no payments; 30 operators, some very small.
5. One giant: 32,000 accounts, 150 days, invented identifiers; 6 operators, one with a quarter of the accounts.
6. No operator: 9,000 accounts, 100 days, all tables, only honest look-alikes. Every cluster is a false positive.
7. Careful operators: 2,800 accounts, 60 days, few columns; 3 operators with bought accounts and cover traffic.
8. Sweatshops: 20,000 accounts, 110 days, neither payments nor networks; 14 operators, many in workers' homes.

An operator's care and cash say how often it uses each resource again. Its leaks are the resources on which it
economises. Honest look-alikes (column `decoy` of the truth) are companies, universities, classes, agencies,
resold seats, hackathons, shared offices, gig workers, test beds, second accounts, customers of the same
suppliers, and households.
"""
