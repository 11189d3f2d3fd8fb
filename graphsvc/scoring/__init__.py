"""Score accounts at sign-up: weigh them, as they come, against the clusters that the last run found."""
