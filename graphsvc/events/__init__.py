"""Events for other systems: what runs and decisions make of them, who wants which, and the form they are sent in."""
