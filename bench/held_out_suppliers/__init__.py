"""Eight synthetic worlds of suppliers and operators: `python -m bench.held_out_suppliers --world N --seed S --out DIR`.

People, places, suppliers and operators are simulated hour by hour. What is written is the part of it that the world's
exporter gives away: tables and columns, with gaps, truncated addresses or fingerprints instead of prompts.

1. `hydra`: 36,000 accounts, all tables. One programme of three teams with suppliers of their own, and its rivals.
2. `bazaar`: 34,000 accounts, no prompts. 39 small campaigns, and many share all suppliers with another.
3. `lookalikes`: 12,000 accounts, all tables. No campaign: honest groups that share more than many campaigns do.
4. `words`: 2,500 accounts, only sign-ups and prompts. 7 campaigns, and some paraphrase their instructions.
5. `handles`: 3,000 accounts, sign-ups, sessions and identifiers of kinds with unknown names. 9 campaigns.
6. `fog`: 15,000 accounts, truncated addresses, fingerprints instead of prompts. 5 careful campaigns.
7. `rivals`: 8,000 accounts, no prompts. 15 operators with the same suppliers, who are to be told apart.
8. `enterprise`: 20,000 accounts, no mail and no devices. 3 campaigns among companies that are larger and denser.

The generator was written from the format of the bundle alone, without knowledge of the detection, so its worlds are
independent of it. Seeds below 100 are for development; those from 101 onward are for judging, so nothing may be tuned
on them.
"""
