"""What if: a cluster without some of its evidence, its bridges and smallest cut, and what an action would hit."""
