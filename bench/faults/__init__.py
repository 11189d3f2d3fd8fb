"""A campaign of seeded faults against the real service: planned in `plan`, done in `kinds`, checked in `check`."""
